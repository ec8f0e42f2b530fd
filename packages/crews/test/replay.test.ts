import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTool, runCrew } from "../src/index.ts";
import type { CrewResult, TaskOutput } from "../src/index.ts";
import { loadFixture } from "./load-fixture.ts";
import { Killed, scriptedRuntime, StepStore } from "./scripted-runtime.ts";
import type { Line } from "./scripted-runtime.ts";

const delegation = {
  calls: [
    {
      name: "ask_question_to_coworker",
      input: { question: "Which number is wrong?", context: "All of them", coworker: "figures analyst" },
    },
    { name: "lookup", input: { word: "tide" } },
  ],
};

/** Five tasks with a plan, tools, a coworker, two at once, a failed guardrail, a person and a repaired answer. */
const script: Readonly<Record<string, Line>> = {
  "crew/plan/turn/1": `{"plans":[{"task":"gather","plan":"1. look it up"},{"task":"rate","plan":"1. read it"}]}`,
  "task/gather/turn/1": { text: "I look it up.", calls: [{ name: "lookup", input: { word: "tide" } }] },
  "task/gather/turn/2": delegation,
  "task/gather/turn/2/tool/1/turn/1": "The third number.",
  "task/gather/turn/3": "Facts.",
  "task/check_figures/turn/1": "Figures.",
  "task/find_quotes/turn/1": { calls: [{ name: "calculator", input: { expression: "6*7" } }] },
  "task/find_quotes/turn/2": "Quotes.",
  "task/write/turn/1": "A first article.",
  "task/write/guardrail/1/turn/1": `{"valid": false, "feedback": "No source."}`,
  "task/write/round/2/turn/1": "A second article. Source: archive.",
  "task/write/round/2/person/1/turn/1": "A third article. Source: archive.",
  "task/write/round/2/guardrail/1/turn/1": `{"valid": true, "feedback": ""}`,
  "task/rate/turn/1": `{"stars": 9, "reason": "good"}`,
  "task/rate/output/1": `{"stars": 4, "reason": "good"}`,
};

function newStore(): StepStore {
  const store = new StepStore();
  store.answers.set("task/write/round/2/person/1", "Make it longer.");
  return store;
}

function play(step: string): Line {
  return script[step] ?? new Error(`nothing is scripted for ${step}`);
}

/** The steps in which the tool was really used, since the run began. */
const uses: string[] = [];
const lookup = defineTool({
  name: "lookup",
  description: "Looks something up.",
  input: z.object({ word: z.string() }),
  cacheable: false,
  run: async ({ word }, { step }) => {
    uses.push(step);
    return `${word} is known`;
  },
});

const crew = await loadFixture("newsroom", { lookup });
const inputs = { topic: "tides" };

async function undisturbed(): Promise<{ result: CrewResult; store: StepStore }> {
  const store = newStore();
  const result = await runCrew(crew, inputs, scriptedRuntime({ script: play, store }));
  return { result, store };
}

/** Tries again until the run is through; each attempt dies after so many steps. */
async function withKills(
  steps: number,
  losesLast: boolean,
): Promise<{ result: CrewResult; store: StepStore; kills: number }> {
  const store = newStore();
  uses.length = 0;
  for (let kills = 0; kills < 200; kills++) {
    // The first attempt dies where the test wants it, the others go on to the end.
    const limit = kills === 0 ? { maxNewSteps: steps, losesLast } : {};
    try {
      const result = await runCrew(crew, inputs, scriptedRuntime({ script: play, store, ...limit }));
      return { result, store, kills };
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
  }
  throw new Error("the run never came to its end");
}

/** What models were told, whatever the order. */
function requestsOf(store: StepStore): unknown {
  return [...store.requests]
    .map(([step, [request]]) => JSON.stringify([step, request?.instructions, request?.messages]))
    .toSorted();
}

const whole = await undisturbed();
const wholeUses = [...uses];
const stepCount = whole.store.records.size;

describe("a crew whose process dies", () => {
  it("plays the whole script once when nothing happens", () => {
    expect([...whole.store.requests.keys()].toSorted()).toEqual(Object.keys(script).toSorted());
    expect(whole.result.json).toEqual({ stars: 4, reason: "good" });
    expect(whole.result.tasks_output.map((output) => output.task)).toEqual([
      "gather",
      "check_figures",
      "find_quotes",
      "write",
      "rate",
    ]);
    expect(wholeUses).toEqual(["task/gather/turn/1/tool/1", "task/gather/turn/2/tool/2"]);
  });

  it.each(Array.from({ length: stepCount }, (_, index) => index))(
    "does every step once and comes to the same result when it dies after step %i",
    async (steps) => {
      const { result, store, kills } = await withKills(steps, false);

      expect(kills).toBe(1);
      expect(result).toEqual(whole.result);
      expect([...store.runs.values()].every((count) => count === 1)).toBe(true);
      expect(uses).toEqual(wholeUses);
      expect([...store.records.keys()].toSorted()).toEqual([...whole.store.records.keys()].toSorted());
      expect(requestsOf(store)).toEqual(requestsOf(whole.store));
    },
  );

  it.each(Array.from({ length: stepCount }, (_, index) => index + 1))(
    "does only the step again whose record was lost when it dies in step %i",
    async (steps) => {
      const { result, store } = await withKills(steps, true);

      expect(result).toEqual(whole.result);
      expect([...store.runs.values()].reduce((total, count) => total + count, 0)).toBe(stepCount + 1);
    },
  );

  it("tells each recorded event once", async () => {
    const { store } = await withKills(7, false);

    const types = (events: StepStore["events"]) => events.map((event) => event.type).toSorted();
    expect(types(store.events)).toEqual(types(whole.store.events));
  });

  it("asks no model at all when everything is recorded", async () => {
    const silent = () => new Error("no call was to be made");

    const again = await runCrew(crew, inputs, scriptedRuntime({ script: silent, store: whole.store }));

    expect(again).toEqual(whole.result);
  });

  it("tells models the same again when an answer has what a database does not store", async () => {
    const odd: Readonly<Record<string, Line>> = { ...script, "task/gather/turn/3": "A\u0000B \ud800." };
    const store = newStore();
    const runtime = scriptedRuntime({ script: (step) => odd[step] ?? play(step), store, maxNewSteps: 20 });

    await expect(runCrew(crew, inputs, runtime)).rejects.toBeInstanceOf(Killed);

    const told = store.requests.get("task/check_figures/turn/1")?.[0]?.messages[0];
    expect(told).toMatchObject({ text: expect.stringContaining("A\uFFFDB \uFFFD.") });
    expect(store.records.get("task/gather/done")).toContain("A\uFFFDB \uFFFD.");
  });

  it("refuses to go on with other files", async () => {
    const changed = { ...crew, fingerprint: "other" };

    const again = runCrew(changed, inputs, scriptedRuntime({ script: play, store: whole.store }));

    await expect(again).rejects.toMatchObject({ code: "crew_changed" });
  });
});

describe("replay from a task", () => {
  const outputs: readonly TaskOutput[] = whole.result.tasks_output;

  it("takes the outputs before it over and does the rest", async () => {
    const runtime = scriptedRuntime({ script: play });

    const result = await runCrew(crew, inputs, runtime, { replay: { from: "rate", outputs } });

    expect(result).toMatchObject({ raw: whole.result.raw, tasks_output: outputs });
    expect([...runtime.store.requests.keys()]).toEqual([
      "crew/plan/turn/1",
      "task/rate/turn/1",
      "task/rate/output/1",
    ]);
  });

  it("names the tasks when there is no such one", async () => {
    const runtime = scriptedRuntime({ script: play });

    await expect(
      runCrew(crew, inputs, runtime, { replay: { from: "publish", outputs } }),
    ).rejects.toMatchObject({ code: "crew_task_unknown" });
  });

  it("refuses when an output before it is missing", async () => {
    const runtime = scriptedRuntime({ script: play });

    await expect(
      runCrew(crew, inputs, runtime, { replay: { from: "rate", outputs: [] } }),
    ).rejects.toMatchObject({ code: "crew_replay_output_missing" });
  });
});
