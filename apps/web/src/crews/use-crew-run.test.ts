import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LiveTopic } from "../../test/live-topic.ts";
import { crewKeys } from "./crew-keys.ts";
import { followCrewRun } from "./use-crew-run.ts";

let topic: LiveTopic;
let release: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  topic = new LiveTopic("crew_run:1");
  topic.show(crewKeys.run("1"));
  release = followCrewRun(topic, "1", () => undefined);
});
afterEach(() => {
  release();
  topic.stop();
  vi.useRealTimers();
});

it("asks for a run every few seconds while its steps are told", async () => {
  for (let step = 0; step < 100; step += 1) {
    topic.tell("crew.tool_called", { step: String(step) });
    await vi.advanceTimersByTimeAsync(100);
  }

  expect(topic.requests).toBe(3);
});

it.each(["crew.task_completed", "crew_run.waiting", "crew_run.completed"])(
  "asks for it at once on %s",
  async (type) => {
    topic.tell("crew.agent_turn");
    topic.tell(type);
    await vi.advanceTimersByTimeAsync(500);

    expect(topic.requests).toBe(1);
  },
);

it("asks for nothing while text is written", async () => {
  topic.tell("crew.text_written", { text: "The mill" });
  await vi.advanceTimersByTimeAsync(10_000);

  expect(topic.requests).toBe(0);
});
