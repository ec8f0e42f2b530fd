import type { StoredEvent } from "@millrace/queue";
import { describe, expect, it } from "vitest";
import { stateBeforeReplay, stateOfSnapshot, statusMessage, toArticleMessage } from "./article-message.ts";
import type { ArticleState } from "./article-message.ts";
import { documentSnapshot } from "../../test/live/document-snapshot-example.ts";

const at = "2026-11-20T10:00:00.000Z";
const id = "01900000-0000-7000-8000-00000000000d";
const underway: ArticleState = {
  documentId: id,
  status: "processing",
  progress: 42,
  message: "Reading page 4",
  step: "text_extraction",
};

function event(type: string, data: Readonly<Record<string, unknown>>): StoredEvent {
  return { stream: `document:${id}`, seq: 7, type, data, at };
}

describe("an event as the article's message", () => {
  it("turns progress into processing_update, with our stage as the step", () => {
    const { message } = toArticleMessage(
      underway,
      event("document.progressed", {
        percent: 60,
        stage: "ai_analysis",
        message: "Summarising",
        done: 1,
        total: 4,
        unit: "parts",
        eta_seconds: null,
      }),
    );

    expect(message).toEqual({
      type: "processing_update",
      document_id: id,
      status: "processing",
      progress: 60,
      message: "Summarising",
      step: "ai_analysis",
      timestamp: at,
      seq: 7,
    });
  });

  it("begins again at 0 when work is queued", () => {
    const { message } = toArticleMessage(
      underway,
      event("document.queued", { job_id: "1", message: "Waiting" }),
    );

    expect(message).toMatchObject({ progress: 0, message: "Waiting", step: "initialization" });
  });

  it("keeps progress when the work is put off, and says why", () => {
    const { message } = toArticleMessage(
      underway,
      event("document.put_off", {
        error: "No budget is left.",
        error_code: "budget_exceeded",
        retry_in_seconds: 899.5,
      }),
    );

    expect(message).toMatchObject({ type: "processing_update", status: "processing", progress: 42 });
    expect(message).toMatchObject({ message: "It waits 900 s: No budget is left." });
  });

  it("keeps progress when a retry is scheduled", () => {
    const { message } = toArticleMessage(
      underway,
      event("document.retry_scheduled", {
        attempt: 1,
        error: "The model is busy.",
        error_code: "model_busy",
        retry_in_seconds: 29.2,
      }),
    );

    expect(message).toMatchObject({ type: "processing_update", status: "processing", progress: 42 });
    expect(message).toMatchObject({
      message: "Attempt 1 failed: The model is busy. Trying again in 30 s.",
    });
  });

  it("keeps progress and status when an error is logged", () => {
    const { message } = toArticleMessage(
      underway,
      event("document.logged", { level: "error", step: null, message: "Page 5 is damaged", created_at: at }),
    );

    expect(message).toMatchObject({
      status: "processing",
      progress: 42,
      message: "Page 5 is damaged",
      step: "text_extraction",
    });
  });

  it("tells of a part that failed", () => {
    const { message } = toArticleMessage(
      underway,
      event("document.part_changed", { part: "sentiment", state: "failed", reason: "Quota used up" }),
    );

    expect(message).toMatchObject({ message: "sentiment: failed (Quota used up)", step: "ai_analysis" });
  });

  it("turns the end into processing_complete, also when parts are missing", () => {
    const { message } = toArticleMessage(
      underway,
      event("document.completed", { status: "partial", text_length: 1_200, analysis_complete: false }),
    );

    expect(message).toEqual({
      type: "processing_complete",
      document_id: id,
      status: "partial",
      results: { text_length: 1_200, analysis_complete: false },
      timestamp: at,
      seq: 7,
    });
  });

  it("turns a failure into processing_error with its code", () => {
    const { message } = toArticleMessage(
      underway,
      event("document.failed", { error: "No text in it", error_code: "no_text" }),
    );

    expect(message).toEqual({
      type: "processing_error",
      document_id: id,
      error: "No text in it",
      error_code: "no_text",
      timestamp: at,
      seq: 7,
    });
  });

  it("turns a cancellation into processing_cancelled, not into an error", () => {
    const { state, message } = toArticleMessage(
      underway,
      event("document.cancelled", { message: "Stopped" }),
    );

    expect(message).toMatchObject({ type: "processing_cancelled", message: "Stopped", seq: 7 });
    expect(state.status).toBe("cancelled");
  });

  it.each([
    ["an unknown type", event("document.translated", { language: "de" })],
    ["data that is not understood", event("document.completed", { status: "excellent" })],
  ])("repeats the present state for %s, so that no number is missing", (_name, unknown) => {
    const { message, state } = toArticleMessage(underway, unknown);

    expect(message).toMatchObject({ type: "processing_update", progress: 42, seq: 7 });
    expect(state).toEqual(underway);
  });
});

describe("a document's state as the article's message", () => {
  it("has every field of the article, and the number it stands at", () => {
    const snapshot = documentSnapshot(id);

    expect(statusMessage(snapshot, 12)).toEqual({
      type: "document_status",
      document_id: id,
      status: "processing",
      title: "Report",
      file_type: "pdf",
      created_at: snapshot.document.created_at,
      job_status: "running",
      progress: 35,
      started_at: snapshot.document.processing_started_at,
      completed_at: null,
      text_extraction_completed: true,
      ai_analysis_completed: false,
      seq: 12,
    });
  });

  it("says 100 % and no job once it is done and the job is gone", () => {
    const { document, analysis } = documentSnapshot(id);

    const message = statusMessage(
      { document: { ...document, status: "completed", progress: null }, analysis, job: null },
      20,
    );

    expect(message).toMatchObject({ progress: 100, job_status: null });
  });

  it("is where messages go on from, and a replay begins at 0", () => {
    expect(stateOfSnapshot(documentSnapshot(id))).toMatchObject({ progress: 35, step: "text_extraction" });
    expect(stateBeforeReplay(id)).toMatchObject({ progress: 0, status: "processing" });
  });
});
