import { describe, expect, it } from "vitest";
import type { TopicEvent } from "../live/watched-topic.ts";
import { applyDocumentEvents } from "./document-events.ts";
import type { DocumentView } from "./document-view.ts";
import { testAnalysis, testDocument } from "../../test/sample-document.ts";

function view(changes: Partial<DocumentView> = {}): DocumentView {
  return {
    document: testDocument(),
    analysis: testAnalysis(),
    job: null,
    plannedRetry: null,
    seq: 0,
    ...changes,
  };
}

function event(seq: number, type: string, data: Record<string, unknown> = {}): TopicEvent {
  return { t: "ev", topic: "document:1", seq, type, data, at: "2026-11-20T12:01:00Z" };
}

function logged(seq: number, message: string): TopicEvent {
  return event(seq, "document.logged", {
    level: "info",
    step: null,
    message,
    created_at: "2026-11-20T12:00:30Z",
  });
}

describe("applyDocumentEvents", () => {
  it("moves the document along with its progress", () => {
    const progressed = event(1, "document.progressed", {
      percent: 62,
      stage: "ai_analysis",
      message: "Summarising",
      eta_seconds: 18,
    });

    const { view: after, needsRefetch } = applyDocumentEvents(view(), [progressed]);

    expect(after.document).toMatchObject({
      status: "processing",
      progress: { percent: 62, stage: "ai_analysis", message: "Summarising", eta_seconds: 18, done: null },
    });
    expect(after.seq).toBe(1);
    expect(needsRefetch).toBe(false);
  });

  it("keeps the last per cent when an event carries none", () => {
    const { view: after } = applyDocumentEvents(view(), [
      event(1, "document.progressed", { percent: 40 }),
      event(2, "document.progressed", { message: "Still at it" }),
    ]);

    expect(after.document.progress?.percent).toBe(40);
  });

  it("changes one part in the document and in the analysis and asks for its result", () => {
    const changed = event(1, "document.part_changed", {
      part: "topics",
      state: "failed",
      reason: "Timed out",
    });

    const { view: after, needsAnalysis } = applyDocumentEvents(view(), [changed]);

    expect(after.document.parts).toMatchObject({ topics: "failed", summary: "pending" });
    expect(after.analysis.topics).toMatchObject({ state: "failed", reason: "Timed out" });
    expect(needsAnalysis).toBe(true);
  });

  it("asks for nothing when a part only begins", () => {
    const begun = event(1, "document.part_changed", { part: "summary", state: "running", reason: null });

    expect(applyDocumentEvents(view(), [begun])).toMatchObject({ needsAnalysis: false, needsRefetch: false });
  });

  it("ignores parts and states it does not know", () => {
    const odd = event(1, "document.part_changed", { part: "mood", state: "done", reason: null });

    expect(applyDocumentEvents(view(), [odd]).view.document.parts).toEqual(view().document.parts);
  });

  it("never calls a partly done document completed", () => {
    const completed = event(1, "document.completed", {
      status: "partial",
      text_length: 1,
      analysis_complete: false,
    });

    const { view: after, needsRefetch } = applyDocumentEvents(view(), [completed]);

    expect(after.document.status).toBe("partial");
    expect(needsRefetch).toBe(true);
  });

  it("keeps reason and code of a failure", () => {
    const failed = event(1, "document.failed", { error: "No text in this PDF", error_code: "no_text" });

    expect(applyDocumentEvents(view(), [failed]).view.document).toMatchObject({
      status: "failed",
      processing_error: "No text in this PDF",
      processing_error_code: "no_text",
    });
  });

  it("tells when the next attempt comes and forgets it once work goes on", () => {
    const planned = event(1, "document.retry_scheduled", {
      attempt: 1,
      error: "Model timed out",
      error_code: "timed_out",
      retry_in_seconds: 30,
    });

    const waiting = applyDocumentEvents(view(), [planned]).view;
    const working = applyDocumentEvents(waiting, [event(2, "document.progressed", { percent: 5 })]).view;

    expect(waiting.plannedRetry).toEqual({
      attempt: 1,
      error: "Model timed out",
      retryAt: "2026-11-20T12:01:30.000Z",
    });
    expect(working.plannedRetry).toBeNull();
  });

  it("tells why the work is put off, and until when", () => {
    const putOff = event(1, "document.put_off", {
      error: "No budget is left.",
      error_code: "budget_exceeded",
      retry_in_seconds: 60,
    });

    expect(applyDocumentEvents(view(), [putOff]).view.plannedRetry).toEqual({
      attempt: null,
      error: "No budget is left.",
      retryAt: "2026-11-20T12:02:00.000Z",
    });
  });

  it("takes only the log lines of events that the snapshot already contains", () => {
    const snapshot = view({ seq: 5, document: testDocument({ status: "completed" }) });

    const outcome = applyDocumentEvents(snapshot, [
      logged(3, "Text extracted"),
      event(4, "document.progressed", { percent: 10 }),
      logged(6, "All done"),
    ]);

    expect(outcome.view.document.status).toBe("completed");
    expect(outcome.view.seq).toBe(6);
    expect(outcome.logLines.map(({ message }) => message)).toEqual(["Text extracted", "All done"]);
  });

  it("leaves events of tomorrow alone", () => {
    const outcome = applyDocumentEvents(view(), [event(1, "document.translated")]);

    expect(outcome.view).toEqual(view({ seq: 1 }));
  });

  it("fetches what a part was made into again, and keeps what is there until then", () => {
    const running = event(1, "document.part_rerun", { part: "summary", state: "running" });
    const done = event(2, "document.part_rerun", { part: "summary", state: "done" });

    const during = applyDocumentEvents(view(), [running]);
    const after = applyDocumentEvents(during.view, [done]);

    expect([during.needsAnalysis, during.needsRefetch]).toEqual([true, false]);
    expect(during.view.analysis).toEqual(testAnalysis());
    expect(after.needsRefetch).toBe(true);
  });
});
