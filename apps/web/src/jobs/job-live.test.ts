import { describe, expect, it } from "vitest";
import { testJobDetail } from "../../test/sample-job.ts";
import type { TopicEvent } from "../live/watched-topic.ts";
import { applyJobEvents, noNews, progressOf } from "./job-live.ts";

function event(type: string, data: Record<string, unknown> = {}): TopicEvent {
  return { t: "ev", topic: "job:1", seq: 1, type, data, at: "2026-11-20T12:00:00Z" };
}

const half = event("job.progressed", { percent: 50, message: "Half", eta_seconds: 20 });

describe("applyJobEvents", () => {
  it("takes progress and lines as they are told, whatever the stream is of", () => {
    const { news, asksFor } = applyJobEvents(noNews, [
      event("document.logged", { level: "warning", message: "Slow" }),
      half,
    ]);

    expect(news.lines).toMatchObject([{ level: "warning", message: "Slow" }]);
    expect(news.progress).toMatchObject({ percent: 50, message: "Half", eta_seconds: 20, done: null });
    expect(asksFor).toBe("nothing");
  });

  it("keeps the progress, and can wait to ask, when a step was told", () => {
    const { news, asksFor } = applyJobEvents(applyJobEvents(noNews, [half]).news, [
      event("crew.agent_turn"),
      event("numbers.added"),
    ]);

    expect(news.progress).toMatchObject({ percent: 50 });
    expect(asksFor).toBe("steps");
  });

  it("leaves the text that a model writes to others", () => {
    const { news, asksFor } = applyJobEvents(applyJobEvents(noNews, [half]).news, [
      event("ask.text_written"),
    ]);

    expect(news.progress).toMatchObject({ percent: 50 });
    expect(asksFor).toBe("nothing");
  });

  it("asks for the job and forgets the attempt's progress when it came into another state", () => {
    const { news, asksFor } = applyJobEvents(applyJobEvents(noNews, [half]).news, [
      event("job.retry_scheduled", { attempt: 1 }),
    ]);

    expect(news.progress).toBeNull();
    expect(asksFor).toBe("state");
  });

  it("keeps only the newest of very many lines", () => {
    const many = Array.from({ length: 700 }, (_, index) => event("job.logged", { message: `line ${index}` }));

    const { news } = applyJobEvents(noNews, many);

    expect(news.lines).toHaveLength(500);
    expect(news.lines.at(-1)?.message).toBe("line 699");
  });
});

describe("progressOf", () => {
  const answered = testJobDetail({ state: "running" });

  it("shows the further one while the job runs", () => {
    const { news } = applyJobEvents(noNews, [half]);

    expect(progressOf(answered, news).percent).toBe(50);
    expect(progressOf({ ...answered, progress: { ...answered.progress, percent: 80 } }, news).percent).toBe(
      80,
    );
  });

  it("shows what the API said once it runs no more", () => {
    const { news } = applyJobEvents(noNews, [half]);

    expect(progressOf({ ...answered, state: "scheduled" }, news).percent).toBe(0);
  });
});
