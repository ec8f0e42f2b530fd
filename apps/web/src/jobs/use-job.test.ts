import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LiveTopic } from "../../test/live-topic.ts";
import { monitorKey } from "../monitor/parts/monitor-keys.ts";
import { followJob } from "./use-job.ts";

let topic: LiveTopic;
let release: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  topic = new LiveTopic("job:1");
  topic.show(monitorKey("job", "1"));
  release = followJob(topic, "1", () => undefined);
});
afterEach(() => {
  release();
  topic.stop();
  vi.useRealTimers();
});

it("asks for a job every few seconds while its steps are told", async () => {
  for (let step = 0; step < 100; step += 1) {
    topic.tell("crew.agent_turn", { step: String(step) });
    await vi.advanceTimersByTimeAsync(100);
  }

  expect(topic.requests).toBe(3);
});

it.each(["job.started", "crew_run.waiting", "document.failed"])("asks for it at once on %s", async (type) => {
  topic.tell(type);
  await vi.advanceTimersByTimeAsync(500);

  expect(topic.requests).toBe(1);
});

it("asks for nothing while text is written", async () => {
  for (let piece = 0; piece < 100; piece += 1) {
    topic.tell("ask.text_written", { text: "The mill" });
    await vi.advanceTimersByTimeAsync(100);
  }

  expect(topic.requests).toBe(0);
});
