import type { Accepted, Kind } from "../load/load.ts";
import type { AskedModel } from "../load/model-server.ts";
import type { OutsideCall } from "../load/outside.ts";
import type { Facts } from "./facts.ts";

export type Observed = {
  readonly facts: Facts;
  readonly accepted: readonly Accepted[];
  /** All that steps have called, models among it. */
  readonly calls: readonly OutsideCall[];
  readonly modelCalls: readonly AskedModel[];
};

/** What must never be. Each list is empty when all is well; its items say what is wrong. */
export type Violations = {
  /** I1: accepted and not there. */
  readonly lost: readonly string[];
  /** I2, I4: more than one end, result or payment. */
  readonly committedTwice: readonly string[];
  /** I2: a result that is not that of the attempt that succeeded. */
  readonly wrongOutputs: readonly string[];
  /** A step that was recorded as done was done again. */
  readonly recordedStepsRepeated: readonly string[];
  /** I3: two runs of a step at once of which neither had lost its claim. */
  readonly concurrentRuns: readonly string[];
};

/** What holds at every moment, also while everything runs. */
export function findViolations(observed: Observed): Violations {
  return {
    lost: findLost(observed),
    committedTwice: findCommittedTwice(observed),
    wrongOutputs: findWrongOutputs(observed),
    recordedStepsRepeated: findRecordedStepsRepeated(observed),
    concurrentRuns: findConcurrentRuns(observed),
  };
}

/** What holds when all is at rest: everything has ended, and as it had to. */
export function findWrongEnds(observed: Observed): string[] {
  return [
    ...findUnended(observed),
    ...findWrongResults(observed),
    ...findUnpaid(observed),
    ...findMischarged(observed),
    ...findGaps(observed),
    ...findUntoldEnds(observed),
  ];
}

/** Calls of steps beyond the first: in flight when their process or their claim was lost. */
export function countInFlightRepeats({ calls }: Pick<Observed, "calls">): number {
  return calls.length - new Set(calls.map(nameOf)).size;
}

const nameOf = ({ job, key }: { readonly job: string; readonly key: string }): string => `${job} ${key}`;
const isTerminal = (state: string): boolean =>
  ["succeeded", "failed", "cancelled", "expired"].includes(state);

function findLost({ facts, accepted }: Observed): string[] {
  const jobs = new Set(facts.jobs.map(({ id }) => id));
  const workflows = new Set(facts.workflows.map(({ id }) => id));
  const documents = new Set(facts.documents.map(({ id }) => id));
  return accepted.flatMap(({ kind, id, documentId }) => {
    const isThere = kind === "chord" ? workflows.has(id) : jobs.has(id);
    const hasDocument = documentId === undefined || documents.has(documentId);
    return isThere && hasDocument ? [] : [`${kind} ${id} was accepted and is not there`];
  });
}

function findCommittedTwice({ facts }: Observed): string[] {
  const paid = facts.ledger
    .filter(({ count }) => count > 1)
    .map((row) => `step ${nameOf(row)} has paid ${row.count} times`);
  const successes = Map.groupBy(
    facts.attempts.filter(({ outcome }) => outcome === "succeeded"),
    ({ job }) => job,
  );
  const wins = [...successes]
    .filter(([, attempts]) => attempts.length > 1)
    .map(([job, attempts]) => `job ${job} has succeeded ${attempts.length} times`);
  const ends = facts.streams
    .filter(({ ends: count, queued }) => count > Math.max(1, queued))
    .map(({ stream, ends: count }) => `${stream} has ended ${count} times`);
  return [...paid, ...wins, ...ends];
}

function findWrongOutputs({ facts, accepted }: Observed): string[] {
  const succeeded = new Map(
    [...facts.jobs, ...facts.workflows]
      .filter(({ state }) => state === "succeeded")
      .map((one) => [one.id, one]),
  );
  const asked = accepted.map(({ kind, id, output }) => ({ what: `${kind} ${id}`, id, output }));
  // Its task gives the number of its attempt: of the one that succeeded, not of another that was late.
  const wins = new Map(
    facts.attempts.filter(({ outcome }) => outcome === "succeeded").map(({ job, number }) => [job, number]),
  );
  const flaky = facts.jobs
    .filter(({ task }) => task === "chaos.flaky")
    .map(({ id }) => ({ what: `flaky ${id}`, id, output: wins.get(id) }));
  return [...asked, ...flaky].flatMap(({ what, id, output }) => {
    const found = succeeded.get(id);
    return output === undefined || found === undefined || found.output === output
      ? []
      : [`${what} has given ${JSON.stringify(found.output)}, not ${output}`];
  });
}

function findRecordedStepsRepeated({ facts, calls }: Observed): string[] {
  const recordedBy = new Map(
    facts.steps.filter(({ state }) => state === "done").map((step) => [nameOf(step), step.fence]),
  );
  return calls.flatMap((call) => {
    const fence = recordedBy.get(nameOf(call));
    return fence !== undefined && call.fence > fence
      ? [`step ${nameOf(call)} was recorded by claim ${fence} and done again by ${call.fence}`]
      : [];
  });
}

/** Two calls of one step overlap only if the earlier claim had been taken from its holder. */
function findConcurrentRuns({ facts, calls }: Observed): string[] {
  const outcomes = new Map(facts.attempts.map(({ job, fence, outcome }) => [`${job} ${fence}`, outcome]));
  const wrong: string[] = [];
  for (const [step, ofStep] of Map.groupBy(calls, nameOf)) {
    const sorted = ofStep.toSorted((left, right) => left.startedMs - right.startedMs);
    for (const [index, later] of sorted.entries()) {
      for (const earlier of sorted.slice(0, index)) {
        if (later.startedMs >= (earlier.endedMs ?? Infinity)) continue;
        const outcome = outcomes.get(`${earlier.job} ${earlier.fence}`);
        // An attempt that failed is over for the queue, although what it called may not have noticed.
        const isOver = outcome !== undefined && outcome !== null && outcome !== "succeeded";
        if (earlier.fence >= later.fence || !isOver)
          wrong.push(
            `step ${step} ran under claims ${earlier.fence} (${outcome}) and ${later.fence} at once`,
          );
      }
    }
  }
  return wrong;
}

function findUnended({ facts }: Observed): string[] {
  return [
    ...facts.jobs
      .filter(({ state }) => !isTerminal(state))
      .map(({ id, task, state }) => `job ${id} of ${task} is still ${state}`),
    ...facts.workflows
      .filter(({ state }) => state === "running")
      .map(({ id }) => `workflow ${id} is still running`),
  ];
}

const endsByKind: Readonly<Record<Kind, readonly string[]>> = {
  nothing: ["succeeded"],
  pay: ["succeeded"],
  flaky: ["succeeded"],
  fail: ["failed"],
  delayed: ["succeeded"],
  chord: ["succeeded"],
  ask: ["succeeded"],
  document: ["succeeded"],
  // Whoever is told to stop may be done before.
  cancelled: ["cancelled", "succeeded"],
};

function findWrongResults({ facts, accepted }: Observed): string[] {
  const states = new Map<string, string>(
    [...facts.jobs, ...facts.workflows].map(({ id, state }) => [id, state]),
  );
  const errors = new Map(facts.jobs.map(({ id, errorCode }) => [id, errorCode]));
  const documents = new Map(facts.documents.map(({ id, status }) => [id, status]));
  return accepted.flatMap(({ kind, id, documentId }) => {
    const state = states.get(id);
    if (state === undefined) return []; // Lost, which is said elsewhere.
    const wrong = endsByKind[kind].includes(state)
      ? []
      : [
          `${kind} ${id} has ${state} (${errors.get(id) ?? "no error"}), not ${endsByKind[kind].join(" or ")}`,
        ];
    const status = documentId === undefined ? "completed" : documents.get(documentId);
    return status === "completed" ? wrong : [...wrong, `document ${documentId} is ${status}`];
  });
}

/** A step is recorded as done exactly if it has paid. */
function findUnpaid({ facts }: Observed): string[] {
  const paid = new Set(facts.ledger.map(nameOf));
  const done = new Set(facts.steps.filter(({ state }) => state === "done").map(nameOf));
  return [
    ...[...done].filter((step) => !paid.has(step)).map((step) => `step ${step} is recorded and has not paid`),
    ...[...paid].filter((step) => !done.has(step)).map((step) => `step ${step} has paid and is not recorded`),
  ];
}

/**
 * A step that asked a model is charged exactly if it is recorded, with what the server counted for the claim that
 * recorded it. What is listed was called; a call may be missing there, for a process that dies takes some with it.
 */
function findMischarged({ facts, modelCalls }: Observed): string[] {
  const answered = modelCalls.filter(({ tokens }) => tokens !== undefined);
  const asked = new Set(modelCalls.map(nameOf));
  const recorded = new Map(
    facts.steps
      .filter((step) => step.state === "done" && asked.has(nameOf(step)))
      .map((step) => [nameOf(step), step]),
  );
  const charges = new Map(facts.charges.map((charge) => [nameOf(charge), charge]));
  const uncharged = [...recorded.keys()]
    .filter((step) => !charges.has(step))
    .map((step) => `step ${step} has asked a model and is not charged`);
  const wrong = [...charges].flatMap(([step, { input, output }]) => {
    const fence = recorded.get(step)?.fence;
    if (fence === undefined) return [`step ${step} is charged and not recorded`];
    const isCounted = answered.some(
      (call) =>
        nameOf(call) === step &&
        call.fence === fence &&
        call.tokens?.input === input &&
        call.tokens.output === output,
    );
    return isCounted
      ? []
      : [`step ${step} is charged ${input} and ${output} tokens, which no answer of its had`];
  });
  const counts = new Map([...Map.groupBy(answered, nameOf)].map(([step, { length }]) => [step, length]));
  const invented = facts.listed
    .filter((row) => row.count > (counts.get(nameOf(row)) ?? 0))
    .map((row) => `step ${nameOf(row)} has ${row.count} calls listed, more than were answered`);
  return [...uncharged, ...wrong, ...invented];
}

function findGaps({ facts }: Observed): string[] {
  return facts.streams
    .filter(({ first, last, count }) => first !== 1 || last !== count)
    .map(({ stream, first, last, count }) => `${stream} has ${count} events from ${first} to ${last}`);
}

/** Whoever follows a job or document is told of its end. */
function findUntoldEnds({ facts }: Observed): string[] {
  const told = new Set(facts.streams.filter(({ ends }) => ends > 0).map(({ stream }) => stream));
  const streams = new Set(facts.jobs.filter(({ state }) => isTerminal(state)).map(({ stream }) => stream));
  return [...streams].filter((stream) => !told.has(stream)).map((stream) => `${stream} has no end`);
}
