import * as fc from "fast-check";
import { clearPastPauses } from "../../src/control/pause.ts";
import { purgeQueue } from "../../src/control/purge.ts";
import { rollUpCounts } from "../../src/counts/count-jobs.ts";
import { expireJobs, promoteDueJobs } from "../../src/jobs/promote.ts";
import { reapJobs } from "../../src/jobs/reap.ts";
import { pruneHistory } from "../../src/retention/prune.ts";
import { beatBoth, claimBoth } from "./claim-commands.ts";
import { answerOf, anyPick, command, expectAnswer, expectSame, pick } from "./command.ts";
import type { Run } from "./command.ts";
import { finishBoth } from "./end-commands.ts";
import * as model from "./model.ts";
import * as upkeepModel from "./upkeep-model.ts";
import * as peopleModel from "./people-model.ts";
import type { Model, ModelJob } from "./model.ts";
import { cancelBoth } from "./people-commands.ts";
import { notice, partsOf, passTime } from "./system.ts";
import { claimLimitedBoth } from "./limit-commands.ts";
import { durations, limitedQueue } from "./world.ts";

/** What another does to a job after somebody has looked at it, and before that one locks it. */
type Between = (state: Model, real: Run, job: ModelJob) => Promise<string>;

const noBetween: Between = async () => "";

/** Of the worker whose job is about to be taken back. */
const holderDoes: Readonly<Record<string, Between>> = {
  nothing: noBetween,
  beats: async (state, real, { id, fence }) => {
    const held = state.claims.find((one) => one.id === id && one.fence === fence);
    return held === undefined ? "" : await beatBoth(state, real, [held]);
  },
  succeeds: async (state, real, { id, fence }) => {
    const held = state.claims.find((one) => one.id === id && one.fence === fence);
    return held === undefined ? "" : await finishBoth(state, real, held, { outcome: "succeeded", output: 1 });
  },
  "hands it back and gets it again": async (state, real, { id, fence, queue }) => {
    const held = state.claims.find((one) => one.id === id && one.fence === fence);
    if (held === undefined) return "";
    await finishBoth(state, real, held, { outcome: "handed_back" });
    if (queue === limitedQueue) return "handed back";
    return await claimBoth(state, real, { worker: 0, queue, limit: 9, oldest: 0, goesOn: false });
  },
};

/**
 * Does `work` for the jobs that it sees at first, while another gets at one of them in between. `isStill`
 * says of each whether it is to be dealt with by then.
 */
async function withBetween(
  state: Model,
  real: Run,
  given: {
    readonly seen: readonly ModelJob[];
    readonly which: number;
    readonly who: string;
    readonly between: Between;
    readonly expected: () => number;
    readonly work: (parts: ReturnType<typeof partsOf>) => Promise<number>;
  },
): Promise<string> {
  const { seen, which, between } = given;
  let expected: number | undefined;
  let meanwhile = "";
  const done = await given.work(
    partsOf(real.system, async () => {
      if (seen.length > 0) meanwhile = await between(state, real, pick(seen, which));
      expected = given.expected();
    }),
  );
  expectSame("dealt with", expected ?? given.expected(), done);
  if (done < seen.length) notice(real.system, `left alone by ${given.who}`);
  return meanwhile === "" ? "" : `while ${meanwhile}`;
}

export const reap = fc
  .record({ which: anyPick, what: fc.constantFrom(...Object.keys(holderDoes)) })
  .map(({ which, what }) =>
    command({
      name: what === "nothing" ? "reap" : `reap; the holder ${what}`,
      isPossible: (state) => model.runningJobs(state).length > 0,
      run: (state, real) => {
        const seen = upkeepModel.overdue(state).map((job) => ({ job, fence: job.fence }));
        return withBetween(state, real, {
          seen: seen.map(({ job }) => job),
          which,
          who: "reap",
          between: holderDoes[what] ?? noBetween,
          expected: () => {
            const still = seen.filter(
              ({ job, fence }) => job.fence === fence && upkeepModel.overdue(state).includes(job),
            );
            for (const { job } of still) upkeepModel.takeBack(state, job);
            return still.length;
          },
          work: (parts) => reapJobs(parts, "expired_leases"),
        });
      },
    }),
  );

/** As in embedded mode: the lock of the folder proves that nobody else lives. */
export const restart = fc.constant(0).map(() =>
  command({
    name: "every worker has died, and all is taken back",
    isPossible: (state) => model.runningJobs(state).length > 0,
    run: async (state, { system }) => {
      for (const one of state.claims) one.isDead = true;
      const running = model.runningJobs(state);
      for (const job of running) upkeepModel.takeBack(state, job);
      expectSame("taken back", running.length, await reapJobs(partsOf(system), "all_running"));
      return "";
    },
  }),
);

export const promote = fc.constant(0).map(() =>
  command({
    name: "promote",
    isPossible: (state) => [...state.jobs.values()].some((job) => job.state === "scheduled"),
    run: async (state, { system }) => {
      const expected = upkeepModel.promote(state);
      expectSame("promoted", expected, (await promoteDueJobs(partsOf(system))).moved);
      return "";
    },
  }),
);

export const expire = fc.record({ which: anyPick, isCancelled: fc.boolean() }).map(({ which, isCancelled }) =>
  command({
    name: isCancelled ? "expire; somebody cancels" : "expire",
    isPossible: (state) => upkeepModel.late(state).length > 0,
    run: (state, real) => {
      const seen = upkeepModel.late(state);
      return withBetween(state, real, {
        seen,
        which,
        who: "expire",
        between: isCancelled ? (_state, _real, { id }) => cancelBoth(state, real, id) : noBetween,
        expected: () => {
          const still = upkeepModel.late(state).filter((job) => seen.includes(job));
          for (const job of still) upkeepModel.expire(state, job);
          return still.length;
        },
        work: async (parts) => (await expireJobs(parts)).expired,
      });
    },
  }),
);

export const purge = fc
  .record({
    which: anyPick,
    queue: fc.constantFrom("alpha", "beta", "gamma"),
    isClaimed: fc.boolean(),
    isWrong: fc.constantFrom(false, false, false, true),
  })
  .map(({ which, queue, isClaimed, isWrong }) =>
    command({
      name: `purge ${queue}${isWrong ? ", with a wrong number" : ""}${isClaimed ? "; a worker claims" : ""}`,
      isPossible: (state) => peopleModel.purgeable(state, queue).length > 0,
      run: async (state, real) => {
        const counted = peopleModel.purgeable(state, queue);
        const expectedCount = counted.length + (isWrong ? 1 : 0);
        const asked = (parts: ReturnType<typeof partsOf>) =>
          answerOf(purgeQueue(parts, queue, { expectedCount }));
        if (isWrong) {
          expectAnswer(
            real.system,
            "purge",
            { refused: "purge_count_mismatch" },
            await asked(partsOf(real.system)),
          );
          return "";
        }
        return await withBetween(state, real, {
          seen: counted,
          which,
          who: "purge",
          between: isClaimed
            ? (_state, _real) =>
                queue === limitedQueue
                  ? claimLimitedBoth(state, real, { worker: 0, limit: 1, choice: "best", lookAhead: 9 })
                  : claimBoth(state, real, { worker: 0, queue, limit: 1, oldest: 0, goesOn: false })
            : noBetween,
          expected: () => peopleModel.purge(state, counted),
          work: async (parts) => {
            const answer = await asked(parts);
            if ("refused" in answer) throw new Error(`the purge was refused: ${answer.refused}`);
            // Of those that come from later, as after a jump back of the clock, it knows nothing.
            const known = counted.filter(({ createdAt }) => createdAt <= state.now);
            const left = known.filter(({ state: at }) => at === "queued" || at === "scheduled");
            expectSame("left by the purge", left.length, answer.left);
            return answer.cancelled;
          },
        });
      },
    }),
  );

function countEvents(state: Model): number {
  return [...state.jobs.values()].flatMap(({ events }) => events.filter((one) => one !== null)).length;
}

export const prune = fc.constant(0).map(() =>
  command({
    name: "prune",
    isPossible: (state) => [...state.jobs.values()].some(({ finishedAt }) => finishedAt !== null),
    run: async (state, { system }) => {
      const [jobs, events] = [state.jobs.size, countEvents(state)];
      upkeepModel.prune(state);
      if (state.jobs.size < jobs) notice(system, "jobs pruned");
      if (countEvents(state) < events) notice(system, "events pruned");
      const eventHours = durations.eventsKeptMs / 3_600_000;
      const { hasMore } = await pruneHistory(system.database, {
        logDays: 7,
        eventHours,
        textHours: eventHours,
      });
      expectSame("there is more to prune", false, hasMore);
      return "";
    },
  }),
);

export const endPauses = fc.constant(0).map(() =>
  command({
    name: "end past pauses",
    isPossible: (state) => state.pauses.size > 0,
    run: async (state, { system }) => {
      const expected = upkeepModel.clearPastPauses(state).toSorted();
      expectSame("resumed by time", expected, (await clearPastPauses(system.database)).toSorted());
      return "";
    },
  }),
);

export const rollUp = fc.constant(0).map(() =>
  command({
    name: "sum up the counts",
    run: async (_state, { system }) => {
      await rollUpCounts(system.database);
      return "";
    },
  }),
);

export async function passBoth(state: Model, { system, places }: Run, ms: number): Promise<void> {
  // Time passes by making all that is written older, which places are not.
  state.places.clear();
  places.clear();
  state.now += ms;
  state.hasJumpedBack ||= ms < 0;
  await passTime(system, ms);
}

const hourMs = 3_600_000;

export const wait = fc
  .oneof(
    { weight: 8, arbitrary: fc.integer({ min: 1, max: 3 }).map((ticks) => ticks * durations.tickMs) },
    { weight: 2, arbitrary: fc.constantFrom(25 * hourMs, 50 * hourMs, 100 * hourMs) },
    { weight: 1, arbitrary: fc.constant(-durations.tickMs) },
  )
  .map((ms) =>
    command({
      name: ms > 0 ? `${ms / 60_000} minutes pass` : "the clock jumps back",
      run: async (state, real) => {
        await passBoth(state, real, ms);
        return "";
      },
    }),
  );
