import { describe, expect, it } from "vitest";
import type { OutsideCall } from "../load/outside.ts";
import { countInFlightRepeats, findViolations, findWrongEnds } from "./violations.ts";
import type { Observed } from "./violations.ts";

const job = {
  id: "j",
  task: "chaos.pay",
  state: "succeeded",
  errorCode: null,
  output: 1,
  stream: "job:j",
  createdMs: 0,
  finishedMs: 10,
};
const call: OutsideCall = { job: "j", key: "pay/1", fence: 1, startedMs: 1, endedMs: 2 };
const healthy: Observed = {
  accepted: [{ kind: "pay", id: "j", acceptedMs: 0 }],
  calls: [call],
  facts: {
    jobs: [job],
    attempts: [{ job: "j", fence: 1, outcome: "succeeded" }],
    steps: [{ job: "j", key: "pay/1", state: "done", fence: 1 }],
    ledger: [{ job: "j", key: "pay/1", count: 1 }],
    workflows: [],
    documents: [],
    streams: [{ stream: "job:j", count: 2, first: 1, last: 2, queued: 1, ends: 1 }],
  },
};

const withFacts = (facts: Partial<Observed["facts"]>): Observed => ({
  ...healthy,
  facts: { ...healthy.facts, ...facts },
});

it("finds nothing when all is well", () => {
  expect(findViolations(healthy)).toEqual({
    lost: [],
    committedTwice: [],
    recordedStepsRepeated: [],
    concurrentRuns: [],
  });
  expect(findWrongEnds(healthy)).toEqual([]);
});

describe("what must never be is found:", () => {
  it("an accepted job that is not there", () => {
    expect(findViolations(withFacts({ jobs: [] })).lost).toHaveLength(1);
  });

  it("an accepted document that is not there", () => {
    const accepted = [{ kind: "document" as const, id: "j", documentId: "d", acceptedMs: 0 }];

    expect(findViolations({ ...healthy, accepted }).lost).toHaveLength(1);
  });

  it.each([
    ["a step that paid twice", { ledger: [{ job: "j", key: "pay/1", count: 2 }] }],
    [
      "two attempts that succeeded",
      { attempts: [1, 3].map((fence) => ({ job: "j", fence, outcome: "succeeded" })) },
    ],
    [
      "a job that ended twice",
      { streams: [{ stream: "job:j", count: 3, first: 1, last: 3, queued: 1, ends: 2 }] },
    ],
  ])("%s", (_name, facts) => {
    expect(findViolations(withFacts(facts)).committedTwice).toHaveLength(1);
  });

  it("a recorded step that was done again", () => {
    const calls = [call, { ...call, fence: 3, startedMs: 5, endedMs: 6 }];

    expect(findViolations({ ...healthy, calls }).recordedStepsRepeated).toHaveLength(1);
  });

  it("a step that ran twice at once under a claim that nobody had taken", () => {
    const calls = [call, { ...call, startedMs: 1.5 }];

    expect(findViolations({ ...healthy, calls }).concurrentRuns).toHaveLength(1);
  });

  it.each([
    ["a job that has not ended", { jobs: [{ ...job, state: "queued" }] }],
    ["a job that ended otherwise", { jobs: [{ ...job, state: "failed" }] }],
    ["a step that has not paid", { ledger: [] }],
    ["a payment without its step", { steps: [] }],
    [
      "events with a gap",
      { streams: [{ stream: "job:j", count: 2, first: 1, last: 3, queued: 1, ends: 1 }] },
    ],
    ["a workflow that runs for ever", { workflows: [{ id: "w", state: "running" }] }],
  ])("%s", (_name, facts) => {
    expect(findWrongEnds(withFacts(facts))).not.toEqual([]);
  });
});

it("takes a step that was in flight when its claim was lost for a repeat, not for a violation", () => {
  const calls = [call, { ...call, fence: 3, startedMs: 1.5, endedMs: 6 }];
  const observed: Observed = {
    ...withFacts({
      attempts: [
        { job: "j", fence: 1, outcome: "crashed" },
        { job: "j", fence: 3, outcome: "succeeded" },
      ],
      steps: [{ job: "j", key: "pay/1", state: "done", fence: 3 }],
    }),
    calls,
  };

  expect(countInFlightRepeats(observed)).toBe(1);
  expect(Object.values(findViolations(observed)).flat()).toEqual([]);
});
