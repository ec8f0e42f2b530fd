import * as fc from "fast-check";
import { enqueueAlone, enqueueJobs, prepareJob } from "../../src/jobs/enqueue.ts";
import type { PreparedJob } from "../../src/jobs/enqueue.ts";
import { answerOf, anyPick, command, expectAnswer, pick } from "./command.ts";
import type { Run } from "./command.ts";
import * as model from "./model.ts";
import * as enqueueModel from "./enqueue-model.ts";
import type { EnqueueRequest, Model } from "./model.ts";
import { inScope, notice, partsOf } from "./system.ts";
import { definitions, durations, jobId, nameOf, taskNames, tasks } from "./world.ts";

/** Mostly the first. */
function seldom<Usual, Other>(usual: Usual, ...others: readonly Other[]): fc.Arbitrary<Usual | Other> {
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
}

const requestArbitrary = fc.record({
  task: fc.constantFrom(...taskNames),
  owner: fc.constantFrom(null, "ann", "ben", "cyd"),
  priority: fc.constantFrom(5, 5, 5, 4, 9),
  delayMs: seldom(0, durations.shortMs, durations.longMs),
  expiresInMs: seldom(null, durations.shortMs, durations.longMs),
  key: fc.constantFrom("x", "y"),
  value: fc.constantFrom(0, 0, 1),
  idempotencyKey: seldom(null, "k", "l"),
});
type RequestGiven = typeof requestArbitrary extends fc.Arbitrary<infer Value> ? Value : never;

function toRequest(state: Model, { key, value, ...rest }: RequestGiven): EnqueueRequest {
  return { ...rest, id: jobId(state.nextNumber++), input: { value, key }, parentId: null };
}

function prepare({
  id,
  task,
  input,
  idempotencyKey,
  expiresInMs,
  owner,
  parentId,
  ...rest
}: EnqueueRequest): PreparedJob {
  return prepareJob(definitions[task], input, {
    id,
    priority: rest.priority,
    delayMs: rest.delayMs,
    ...(tasks[task].sharesStream ? { stream: `document:${input.key}` } : {}),
    ...(owner === null ? {} : { owner }),
    ...(expiresInMs === null ? {} : { expiresInMs }),
    ...(idempotencyKey === null ? {} : { idempotencyKey }),
    ...(parentId === null ? {} : { parentId }),
  });
}

async function enqueueBoth(
  state: Model,
  { system }: Run,
  requests: readonly EnqueueRequest[],
  isTogether: boolean,
): Promise<string> {
  const expected = enqueueModel.enqueue(state, requests, { isTogether });
  const prepared = requests.map(prepare);
  const given = isTogether
    ? await answerOf(inScope(system, (scope) => enqueueJobs(scope, partsOf(system), prepared)))
    : await enqueueAlone(system.database, partsOf(system), prepared);
  const answer =
    "refused" in given ? given : given.map((job) => ("code" in job ? { refused: job.code } : { id: job.id }));
  expectAnswer(system, `enqueue ${describeAll(requests)}`, expected, answer);
  if ("refused" in expected) return describeAll(requests);
  for (const [index, one] of expected.entries()) {
    if ("refused" in one) notice(system, one.refused);
    else if (one.id !== requests[index]?.id) notice(system, "found another job");
  }
  return describeAll(requests);
}

function describeAll(requests: readonly EnqueueRequest[]): string {
  return requests.map((request) => `${nameOf(request.id)} ${describe(request)}`).join(" and ");
}

function describe({
  task,
  input,
  owner,
  priority,
  delayMs,
  expiresInMs,
  idempotencyKey,
  parentId,
}: EnqueueRequest): string {
  const minutes = (ms: number) => `${ms / 60_000} min`;
  const parts = [
    `${task} ${input.key}${input.value}`,
    owner === null ? "" : `of ${owner}`,
    priority === 5 ? "" : `priority ${priority}`,
    delayMs === 0 ? "" : `in ${minutes(delayMs)}`,
    expiresInMs === null ? "" : `expires in ${minutes(expiresInMs)}`,
    idempotencyKey === null ? "" : `named ${idempotencyKey}`,
    parentId === null ? "" : `child of ${nameOf(parentId)}`,
  ];
  return `(${parts.filter((part) => part !== "").join(", ")})`;
}

export const enqueue = fc
  .record({ requests: fc.array(requestArbitrary, { minLength: 1, maxLength: 3 }), isTogether: fc.boolean() })
  .map(({ requests, isTogether }) =>
    command({
      name: isTogether ? "enqueue together" : "enqueue",
      run: (state, real) =>
        enqueueBoth(
          state,
          real,
          requests.map((given) => toRequest(state, given)),
          isTogether,
        ),
    }),
  );

/** Something to begin with. */
export const opening = fc.array(requestArbitrary, { minLength: 3, maxLength: 6 }).map((requests) =>
  command({
    name: "enqueue",
    run: (state, real) =>
      enqueueBoth(
        state,
        real,
        requests.map((given) => toRequest(state, given)),
        false,
      ),
  }),
);

/** What a job that runs enqueues as a part of itself. */
export const enqueueChild = fc
  .record({ request: requestArbitrary, parent: anyPick })
  .map(({ request, parent }) =>
    command({
      name: "enqueue",
      isPossible: (state) => model.runningJobs(state).length > 0,
      run: (state, real) => {
        const { id } = pick(model.runningJobs(state), parent);
        const child = { ...toRequest(state, { ...request, idempotencyKey: null }), parentId: id };
        return enqueueBoth(state, real, [child], true);
      },
    }),
  );

/** The caller did not hear the answer, or gives an id twice. */
export const enqueueAgain = fc.record({ which: anyPick, isSame: fc.boolean() }).map(({ which, isSame }) =>
  command({
    name: isSame ? "enqueue once more" : "enqueue with the same id and another input",
    isPossible: (state) => state.jobs.size > 0,
    run: (state, real) => {
      const { request } = pick(model.allJobs(state), which);
      const input = isSame ? request.input : { ...request.input, value: request.input.value + 7 };
      return enqueueBoth(state, real, [{ ...request, input }], false);
    },
  }),
);
