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
    const { news, changed } = applyJobEvents(noNews, [
      event("document.logged", { level: "warning", message: "Slow" }),
      half,
    ]);

    expect(news.lines).toMatchObject([{ level: "warning", message: "Slow" }]);
    expect(news.progress).toMatchObject({ percent: 50, message: "Half", eta_seconds: 20, done: null });
    expect(changed).toBe(false);
  });

  it("asks for the job and forgets the attempt's progress when anything else happened", () => {
    const { news, changed } = applyJobEvents(applyJobEvents(noNews, [half]).news, [
      event("job.retry_scheduled", { attempt: 1 }),
    ]);

    expect(news.progress).toBeNull();
    expect(changed).toBe(true);
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
