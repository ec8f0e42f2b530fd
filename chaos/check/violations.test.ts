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
  accepted: [{ kind: "pay", id: "j", output: 1, acceptedMs: 0 }],
  calls: [call],
  modelCalls: [],
  facts: {
    jobs: [job],
    attempts: [{ job: "j", fence: 1, number: 1, outcome: "succeeded" }],
    steps: [{ job: "j", key: "pay/1", state: "done", fence: 1 }],
    ledger: [{ job: "j", key: "pay/1", count: 1 }],
    charges: [],
    listed: [],
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
    wrongOutputs: [],
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
      { attempts: [1, 3].map((fence) => ({ job: "j", fence, number: fence, outcome: "succeeded" })) },
    ],
    [
      "a job that ended twice",
      { streams: [{ stream: "job:j", count: 3, first: 1, last: 3, queued: 1, ends: 2 }] },
    ],
    [
      "a document that ended twice",
      { streams: [{ stream: "document:d", count: 3, first: 1, last: 3, queued: 1, ends: 2 }] },
    ],
  ])("%s", (_name, facts) => {
    expect(findViolations(withFacts(facts)).committedTwice).toHaveLength(1);
  });

  it.each([
    ["a result that is not what was asked for", { jobs: [{ ...job, output: 2 }] }],
    ["no result", { jobs: [{ ...job, output: null }] }],
  ])("%s", (_name, facts) => {
    expect(findViolations(withFacts(facts)).wrongOutputs).toHaveLength(1);
  });

  it("a result of an attempt that did not succeed", () => {
    const late = { ...withFacts({ jobs: [{ ...job, task: "chaos.flaky", output: 2 }] }), accepted: [] };

    expect(findViolations(late).wrongOutputs).toHaveLength(1);
  });

  it("a chord whose body has not joined what it had to", () => {
    const accepted = [{ kind: "chord" as const, id: "w", output: 12, acceptedMs: 0 }];
    const workflows = [{ id: "w", state: "succeeded", output: 8 }];

    expect(findViolations({ ...withFacts({ workflows }), accepted }).wrongOutputs).toHaveLength(1);
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
    [
      "events of a document with a gap",
      {
        streams: [
          ...healthy.facts.streams,
          { stream: "document:d", count: 2, first: 1, last: 3, queued: 1, ends: 1 },
        ],
      },
    ],
    [
      "an end that nobody was told",
      { streams: [{ stream: "job:j", count: 1, first: 1, last: 1, queued: 1, ends: 0 }] },
    ],
    ["a workflow that runs for ever", { workflows: [{ id: "w", state: "running", output: null }] }],
  ])("%s", (_name, facts) => {
    expect(findWrongEnds(withFacts(facts))).not.toEqual([]);
  });
});

it("takes a step that was in flight when its claim was lost for a repeat, not for a violation", () => {
  const calls = [call, { ...call, fence: 3, startedMs: 1.5, endedMs: 6 }];
  const observed: Observed = {
    ...withFacts({
      attempts: [
        { job: "j", fence: 1, number: 1, outcome: "crashed" },
        { job: "j", fence: 3, number: 2, outcome: "succeeded" },
      ],
      steps: [{ job: "j", key: "pay/1", state: "done", fence: 3 }],
    }),
    calls,
  };

  expect(countInFlightRepeats(observed)).toBe(1);
  expect(Object.values(findViolations(observed)).flat()).toEqual([]);
});

describe("of a step that asks a model", () => {
  const asked = { ...call, key: "ask", tokens: { input: 20, output: 8 } };
  const step = { job: "j", key: "ask", state: "done", fence: 1 };
  const charge = { job: "j", key: "ask", input: 20, output: 8 };
  const listed = { job: "j", key: "ask", count: 1 };
  const withAsk = (facts: Partial<Observed["facts"]>): Observed => ({
    ...withFacts({
      steps: [step],
      ledger: [{ job: "j", key: "ask", count: 1 }],
      charges: [charge],
      listed: [listed],
      ...facts,
    }),
    calls: [asked],
    modelCalls: [asked],
  });

  it("nothing is found when it is charged once with what the server counted", () => {
    expect(findWrongEnds(withAsk({}))).toEqual([]);
    expect(findWrongEnds(withAsk({ listed: [] }))).toEqual([]);
  });

  it.each([
    ["that it is not charged", { charges: [] }, "is not charged"],
    ["that it is charged something else", { charges: [{ ...charge, output: 9 }] }, "20 and 9 tokens"],
    ["that what another claim used is charged", { steps: [{ ...step, fence: 3 }] }, "20 and 8 tokens"],
    ["that it is charged and not recorded", { steps: [], ledger: [] }, "is charged and not recorded"],
    ["that more is listed than was called", { listed: [{ ...listed, count: 2 }] }, "2 calls listed"],
  ])("%s", (_name, facts, words) => {
    expect(findWrongEnds(withAsk(facts))).toEqual([expect.stringContaining(words)]);
  });

  it("a call after it was recorded", () => {
    const again = { ...asked, fence: 3, startedMs: 5, endedMs: 6 };
    const observed = { ...withAsk({}), calls: [asked, again], modelCalls: [asked, again] };

    expect(findViolations(observed).recordedStepsRepeated).toHaveLength(1);
  });
});
