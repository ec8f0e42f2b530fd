import { describe, expect, it } from "vitest";
import type { TopicEvent } from "../live/watched-topic.ts";
import { applySummaryEvents, noSummaryNews } from "./summary-live.ts";

let seq = 0;

function event(type: string, data: Readonly<Record<string, unknown>> = {}): TopicEvent {
  seq += 1;
  return { t: "ev", topic: "summary:1", seq, type, data: { ...data }, at: "2026-11-21T12:00:00Z" };
}

const written = (text: string, reset = false) => event("crew.text_written", { text, reset });

describe("the work on a summary", () => {
  it("shows what is done and what is written", () => {
    const { news, isChanged } = applySummaryEvents(noSummaryNews, [
      event("summary.progressed", { percent: 75, message: "Writing the summary" }),
      written("A ", true),
      written("mill"),
    ]);

    expect(news).toEqual({ percent: 75, message: "Writing the summary", written: "A mill" });
    expect(isChanged).toBe(false);
  });

  it.each([written("A mill", true), event("summary.started")])(
    "does not double what was written before a crash: $type",
    (again) => {
      const { news } = applySummaryEvents({ ...noSummaryNews, written: "A mi" }, [again]);

      expect(news.written).not.toContain("A miA");
    },
  );

  it("leaves why it waits to the API, and drops what was written", () => {
    const news = { ...noSummaryNews, message: "Writing the summary", written: "A mi" };

    const after = applySummaryEvents(news, [event("summary.retry_scheduled", { error: "Away." })]);

    expect(after.news).toEqual(noSummaryNews);
  });

  it("leaves alone what it does not know, and values of another kind", () => {
    const news = { ...noSummaryNews, percent: 5, message: "Reading" };

    const after = applySummaryEvents(news, [
      event("crew.agent_turn"),
      event("summary.progressed", { percent: "a lot" }),
    ]);

    expect(after.news).toEqual(news);
  });

  it.each(["summary.completed", "summary.put_off"])("is asked for anew after %s", (type) => {
    expect(applySummaryEvents(noSummaryNews, [event(type)]).isChanged).toBe(true);
  });
});
