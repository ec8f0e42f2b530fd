import * as fc from "fast-check";
import { setQueueLimit } from "../../src/control/queue-settings.ts";
import { claimWithLimits } from "../../src/limits/claim-with-limits.ts";
import type { LimitsOf } from "../../src/limits/limits.ts";
import { releaseParked } from "../../src/limits/release-parked.ts";
import { anyWorker, command, expectSame, pick } from "./command.ts";
import type { Run } from "./command.ts";
import { followClaim, releaseParked as releaseInModel } from "./limits-model.ts";
import type { Model, ModelJob } from "./model.ts";
import { notice, partsOf, takeSnapshot } from "./system.ts";
import { definitions, durations, limitedQueue, nameOf, taskNames, workers } from "./world.ts";

function limitsOf(state: Model): LimitsOf {
  return (name) => {
    const task = taskNames.find((known) => known === name);
    if (task === undefined) return undefined;
    return state.areLimitsLifted ? {} : definitions[task];
  };
}

type LimitedClaimGiven = { worker: number; limit: number; choice: "best" | "oldest"; lookAhead: number };

export async function claimLimitedBoth(
  state: Model,
  { system }: Run,
  { worker, limit, choice, lookAhead }: LimitedClaimGiven,
): Promise<string> {
  const who = pick(workers, worker);
  const linesBefore = new Map([...state.jobs.values()].map((job) => [job.id, job.parkedBy]));
  const { jobs, parked, isMore } = await claimWithLimits(system.database, {
    queue: limitedQueue,
    taskKeys: who.tasks.map((task) => `${task}@1`),
    limit,
    lookAhead: Math.max(limit, lookAhead),
    worker: who,
    leaseMs: durations.leaseMs,
    choice,
    limitsOf: limitsOf(state),
    lines: { after: "" },
  });
  const rows = new Map((await takeSnapshot(system)).jobs.map((job) => [job.id, job]));
  const claimed = jobs.map(({ id }) => id);
  const broken = followClaim(
    state,
    { worker, queue: limitedQueue, tasks: who.tasks, limit, choice },
    {
      claimed,
      parked: parked.map(({ id }) => {
        const row = rows.get(id);
        return { id, parkedBy: row?.parked_by ?? null, reason: row?.reason ?? null };
      }),
      isMore,
    },
  );
  expectSame("rules of limits that were broken", [], broken);
  for (const id of claimed) if (linesBefore.get(id) !== null) notice(system, "claimed from a line");
  for (const { id } of parked) notice(system, `parked for ${rows.get(id)?.reason ?? "nothing"}`);
  const fences = claimed.map((id) => state.jobs.get(id)?.fence);
  expectSame(
    "fences",
    fences,
    jobs.map(({ fence }) => fence),
  );
  const waiting = parked.map(({ id }) => nameOf(id)).join(", ");
  return `→ ${claimed.map(nameOf).join(", ") || "nothing"}${waiting === "" ? "" : `; parked ${waiting}`}`;
}

export const claimLimited = fc
  .record({
    worker: anyWorker,
    limit: fc.integer({ min: 1, max: 4 }),
    choice: fc.constantFrom("best" as const, "best" as const, "oldest" as const),
    lookAhead: fc.constantFrom(1, 3, 50),
  })
  .map((given) =>
    command({
      name: `claim ${given.limit} ${given.choice} of ${limitedQueue} for ${pick(workers, given.worker).name}, looking at ${given.lookAhead}`,
      isPossible: (state) => [...state.jobs.values()].some(mayBeClaimed),
      run: (state, real) => claimLimitedBoth(state, real, given),
    }),
  );

function mayBeClaimed({ queue, state, parkedBy }: ModelJob): boolean {
  return queue === limitedQueue && (state === "queued" || parkedBy !== null);
}

export const liftLimits = fc.boolean().map((isLifted) =>
  command({
    name: isLifted ? "lift the limits of all tasks" : "limit the tasks again",
    isPossible: (state) => state.areLimitsLifted !== isLifted,
    run: async (state) => {
      state.areLimitsLifted = isLifted;
      return "";
    },
  }),
);

export async function releaseBoth(state: Model, { system }: Run): Promise<void> {
  const expected = releaseInModel(state);
  expectSame(
    "released",
    expected,
    await releaseParked(partsOf(system), { limitsOf: limitsOf(state), queueOf: () => undefined }),
  );
}

export const releaseLines = fc.constant(0).map(() =>
  command({
    name: "release the lines of limits that are no more",
    isPossible: (state) => [...state.jobs.values()].some(({ parkedBy }) => parkedBy !== null),
    run: async (state, real) => {
      await releaseBoth(state, real);
      return "";
    },
  }),
);

export const limitQueue = fc
  .record({ queue: fc.constantFrom(limitedQueue, "*"), atOnce: fc.constantFrom(null, 0, 1, 3) })
  .map(({ queue, atOnce }) =>
    command({
      name: `${queue} runs ${atOnce === null ? "any number" : `at most ${atOnce}`} at once`,
      run: async (state, { system }) => {
        if (atOnce === null) state.queueLimits.delete(queue);
        else state.queueLimits.set(queue, atOnce);
        await setQueueLimit(system.database, queue, { maxRunning: atOnce, by: "ann" });
        return "";
      },
    }),
  );
