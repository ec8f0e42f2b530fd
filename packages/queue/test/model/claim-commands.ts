import * as fc from "fast-check";
import { CompiledQuery } from "kysely";
import { claimJobs } from "../../src/jobs/claim.ts";
import { beatStatement } from "../../src/worker/beat-statement.ts";
import type { BeatRow } from "../../src/worker/beat-statement.ts";
import { anyPick, anyWorker, command, expectSame, pick, sayClaim } from "./command.ts";
import type { Run } from "./command.ts";
import * as model from "./model.ts";
import * as workerModel from "./worker-model.ts";
import type { Model, ModelClaim, ModelJob } from "./model.ts";
import { endLease, notice } from "./system.ts";
import { durations, nameOf, workers } from "./world.ts";

type ClaimGiven = { worker: number; queue: string; limit: number; oldest: number; goesOn: boolean };

export async function claimBoth(
  state: Model,
  { system, places }: Run,
  { worker, queue, limit, oldest, goesOn }: ClaimGiven,
): Promise<string> {
  const who = pick(workers, worker);
  if (workerModel.isPaused(state, queue)) notice(system, "claim of a paused queue");
  const expected = workerModel.claim(state, { worker, queue, tasks: who.tasks, limit, oldest, goesOn });
  const key = workerModel.placeKey({ worker, queue });
  const from = goesOn ? places.get(key) : undefined;
  if (from !== undefined) notice(system, "claim goes on");
  const request = { queue, limit, worker: who, leaseMs: durations.leaseMs, oldest };
  const taskKeys = who.tasks.map((task) => `${task}@1`);
  const { jobs: claimed, place } = await claimJobs(system.database, { ...request, taskKeys }, from);
  if (place === undefined) places.delete(key);
  else places.set(key, place);
  const shown = (job: ModelJob) => ({
    id: job.id,
    task: job.task,
    owner: job.owner,
    attempt: job.attempt,
    max_attempts: job.maxAttempts,
    fence: job.fence,
    runs_alone: job.runsAlone,
    priority: job.priority,
    stream: job.stream,
    input: job.request.input,
  });
  expectSame(
    `claimed of ${queue} by ${who.name}`,
    expected.toSorted((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1)).map(shown),
    claimed.map(({ id, task, owner, attempt, max_attempts, fence, runs_alone, priority, stream, input }) => ({
      id,
      task,
      owner,
      attempt,
      max_attempts,
      fence,
      runs_alone,
      priority,
      stream,
      input,
    })),
  );
  return `→ ${expected.map(({ id }) => nameOf(id)).join(", ") || "nothing"}`;
}

const plainQueues = ["alpha", "beta"];

/** Most claims find something; an empty queue, or a worker that does not know the task, finds nothing. */
export const claim = fc
  .record({
    worker: anyWorker,
    which: anyPick,
    isAnyQueue: fc.constantFrom(false, false, false, false, true),
    limit: fc.integer({ min: 1, max: 4 }),
    oldest: fc.constantFrom(0, 0, 1, 2, 4),
    goesOn: fc.boolean(),
  })
  .map(({ which, isAnyQueue, ...asked }) => {
    const given = { ...asked, oldest: Math.min(asked.oldest, asked.limit) };
    return command({
      name: `claim ${given.limit}, ${given.oldest} of them the oldest,${given.goesOn ? " going on," : ""} for ${pick(workers, given.worker).name}`,
      isPossible: (state) => isAnyQueue || busyQueues(state).length > 0,
      run: async (state, real) => {
        const queue = pick(isAnyQueue ? plainQueues : busyQueues(state), which);
        return `of ${queue} ${await claimBoth(state, real, { ...given, queue })}`;
      },
    });
  });

function busyQueues(state: Model): string[] {
  return plainQueues.filter((queue) =>
    [...state.jobs.values()].some((job) => job.queue === queue && job.state === "queued"),
  );
}

export async function beatBoth(
  state: Model,
  { system }: Run,
  claims: readonly ModelClaim[],
): Promise<string> {
  const expected = workerModel.beat(state, claims);
  const statement = CompiledQuery.raw(beatStatement, [
    claims.map(({ id }) => id),
    claims.map(({ fence }) => fence),
    durations.leaseMs,
  ]);
  const { rows } = await system.database.queryable.executeQuery<BeatRow>(statement);
  const answer = rows.map(({ id, is_cancel_requested, is_extended }) => {
    expectSame(`${nameOf(id)} is extended`, true, is_extended);
    return { id, isCancelRequested: is_cancel_requested };
  });
  const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
  expectSame(`of ${claims.map(sayClaim).join(", ")} beaten`, expected.toSorted(byId), answer.toSorted(byId));
  if (expected.length < claims.length) notice(system, "late beat refused");
  return claims.map(sayClaim).join(", ");
}

export const beat = fc.nat({ max: workers.length - 1 }).map((worker) =>
  command({
    name: `${pick(workers, worker).name} beats:`,
    isPossible: (state) => state.claims.some((one) => one.worker === worker && !one.isDead),
    run: (state, real) =>
      beatBoth(
        state,
        real,
        state.claims.filter((one) => one.worker === worker && !one.isDead),
      ),
  }),
);

export const stall = anyPick.map((which) =>
  command({
    name: "the lease runs out of",
    isPossible: (state) => model.runningJobs(state).length > 0,
    run: async (state, { system }) => {
      const job = pick(model.runningJobs(state), which);
      job.leaseUntil = (job.leaseUntil ?? 0) - durations.tickMs;
      await endLease(system, job.id, durations.tickMs);
      return nameOf(job.id);
    },
  }),
);

/** Its children die with it: what they held is never beaten or ended. */
export const crash = fc.nat({ max: workers.length - 1 }).map((worker) =>
  command({
    name: `${pick(workers, worker).name} dies`,
    isPossible: (state) => state.claims.some((one) => one.worker === worker && !one.isDead),
    run: async (state) => {
      for (const one of state.claims) if (one.worker === worker) one.isDead = true;
      return "";
    },
  }),
);
