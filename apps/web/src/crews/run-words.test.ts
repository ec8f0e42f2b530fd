import { describe, expect, it } from "vitest";
import { testCrewRun, testCrewTask } from "../../test/sample-crew-run.ts";
import { canReplayFrom, figuresOf, inputWords, itemsByTask, standingOf, waitWords } from "./run-words.ts";

const ended = { state: "failed", display_state: "failed", finished_at: "2026-11-20T12:01:00Z" } as const;
const done = testCrewTask({ state: "done" });
const begun = testCrewTask({ task: "write", state: "running" });

describe("figuresOf", () => {
  it("says of tokens and cost that they are unknown, never 0", () => {
    const { usage } = testCrewRun();
    const run = testCrewRun({
      usage: { ...usage, input_tokens: 12, total_tokens: null, output_tokens: null, cost: null },
    });

    expect(figuresOf(run)).toMatchObject([
      {},
      {},
      { value: "unknown", note: "12 read, unknown written" },
      {},
      { label: "Cost", value: "unknown" },
    ]);
  });
});

describe("standingOf", () => {
  it("tells a task that waits for a person from one that is worked on", () => {
    const question = {
      key: "k",
      question: "Good?",
      task: "write",
      agent: "Editor",
      output: "x",
      since: "2026-11-20T12:00:30Z",
    };

    expect(standingOf(begun, testCrewRun())).toBe("running");
    expect(standingOf(begun, testCrewRun({ state: "waiting", waiting_for: question }))).toBe("asking");
  });

  it("says that a task was not finished when the run has ended", () => {
    expect(standingOf(begun, testCrewRun(ended))).toBe("unfinished");
    expect(standingOf(done, testCrewRun(ended))).toBe("done");
  });
});

describe("canReplayFrom", () => {
  const tasks = [done, begun, testCrewTask({ task: "rate" })];

  it("offers each task that has all before it", () => {
    const run = testCrewRun({ ...ended, tasks });

    expect(tasks.map((task) => canReplayFrom(task, run))).toEqual([true, true, false]);
  });

  it("offers none while the run goes on", () => {
    expect(canReplayFrom(done, testCrewRun({ tasks }))).toBe(false);
  });
});

describe("itemsByTask", () => {
  it("leaves what belongs to no task to the crew", () => {
    const item = { kind: "failure", step: "1", agent: "", at: "", code: "", message: "" } as const;
    const items = [
      { ...item, task: "gather" },
      { ...item, task: "", step: "2" },
    ];

    const { own, ofTask } = itemsByTask(items, testCrewRun().tasks);

    expect(own).toEqual([items[1]]);
    expect(ofTask("gather")).toEqual([items[0]]);
    expect(ofTask("write")).toEqual([]);
  });
});

describe("inputWords", () => {
  it("names inputs, and cuts long ones", () => {
    expect(inputWords({ topic: "mills", year: 2026 })).toBe("topic: mills, year: 2026");
    expect(inputWords({ text: "x".repeat(500) })).toHaveLength(121);
    expect(inputWords({})).toBe("Without inputs");
  });
});

describe("waitWords", () => {
  it("says why nothing happens, and nothing while somebody works", () => {
    expect(waitWords(testCrewRun({ state: "scheduled", reason: "retry" }))).toContain("next one");
    expect(waitWords(testCrewRun({ state: "scheduled", reason: "snooze" }))).toContain("budget");
    expect(waitWords(testCrewRun())).toBeUndefined();
  });

  it("says what the API knows of the wait, and which attempt failed", () => {
    const wait = { code: "x", message: "The server is away.", until: "2026-11-21T12:01:00.000Z" };
    const words = (failed: number | null) =>
      waitWords(testCrewRun({ state: "scheduled", put_off: { ...wait, failed_attempt: failed } }));

    expect(words(null)).toMatch(/^It waits: The server is away\. It goes on by itself at /);
    expect(words(2)).toMatch(/^Attempt 2 failed: The server is away\. The next one begins at /);
  });
});
