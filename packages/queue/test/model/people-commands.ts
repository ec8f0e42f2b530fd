import { isTerminal } from "@millrace/contracts";
import * as fc from "fast-check";
import { forceRelease } from "../../src/control/force-release.ts";
import { setOwnerWeight } from "../../src/control/owner-weight.ts";
import { pauseQueue, resumeQueue } from "../../src/control/pause.ts";
import { cancelJob } from "../../src/jobs/cancel.ts";
import { retryJob } from "../../src/jobs/retry.ts";
import { answerOf, anyId, anyPick, command, expectAnswer, expectSame, pick } from "./command.ts";
import type { Run } from "./command.ts";
import * as model from "./model.ts";
import * as peopleModel from "./people-model.ts";
import type { Model } from "./model.ts";
import { inScope, partsOf } from "./system.ts";
import { durations, nameOf } from "./world.ts";

export async function cancelBoth(state: Model, { system }: Run, id: string): Promise<string> {
  const expected = peopleModel.cancel(state, id);
  const answer = await answerOf(inScope(system, (scope) => cancelJob(scope, partsOf(system), id)));
  expectAnswer(system, `cancel of ${nameOf(id)}`, expected, answer);
  return nameOf(id);
}

async function forceReleaseBoth(state: Model, { system }: Run, id: string): Promise<string> {
  const expected = peopleModel.forceRelease(state, id);
  const answer = await answerOf(
    inScope(system, async (scope) => {
      await forceRelease(scope, partsOf(system), id, { by: "ann" });
      return "released" as const;
    }),
  );
  expectAnswer(system, `force release of ${nameOf(id)}`, expected, answer);
  return nameOf(id);
}

export const cancel = anyPick.map((which) =>
  command({
    name: "cancel",
    isPossible: (state) => state.jobs.size > 0,
    run: (state, real) => cancelBoth(state, real, anyId(state, which)),
  }),
);

export const cancelRunning = anyPick.map((which) =>
  command({
    name: "cancel",
    isPossible: (state) => model.runningJobs(state).length > 0,
    run: (state, real) => cancelBoth(state, real, pick(model.runningJobs(state), which).id),
  }),
);

export const retry = fc
  .record({ which: anyPick, isEnded: fc.constantFrom(true, true, true, true, true, true, true, false) })
  .map(({ which, isEnded }) =>
    command({
      name: "retry by a person:",
      isPossible: (state) => retryable(state, isEnded).length > 0,
      run: async (state, { system }) => {
        const id = pick(retryable(state, isEnded), which);
        const expected = peopleModel.retry(state, id);
        const answer = await answerOf(
          inScope(system, async (scope) => {
            await retryJob(scope, partsOf(system), id);
            return "retried" as const;
          }),
        );
        expectAnswer(system, `retry of ${nameOf(id)}`, expected, answer);
        return nameOf(id);
      },
    }),
  );

function retryable(state: Model, isEnded: boolean): string[] {
  const jobs = model.allJobs(state).filter((job) => !isEnded || isTerminal(job.state));
  return jobs.map(({ id }) => id);
}

export const release = anyPick.map((which) =>
  command({
    name: "force release",
    isPossible: (state) => state.jobs.size > 0,
    run: (state, real) => forceReleaseBoth(state, real, anyId(state, which)),
  }),
);

export const releaseRunning = anyPick.map((which) =>
  command({
    name: "force release",
    isPossible: (state) => model.runningJobs(state).length > 0,
    run: (state, real) => forceReleaseBoth(state, real, pick(model.runningJobs(state), which).id),
  }),
);

const anyQueue = fc.constantFrom("alpha", "alpha", "beta", "*");

export const pause = fc
  .record({ queue: anyQueue, forMs: fc.constantFrom(null, durations.longMs) })
  .map(({ queue, forMs }) =>
    command({
      name: `pause ${queue}${forMs === null ? "" : " for a while"}`,
      run: async (state, { system }) => {
        state.pauses.set(queue, forMs === null ? null : state.now + forMs);
        const until = forMs === null ? {} : { until: new Date(Date.now() + forMs) };
        await pauseQueue(system.database, queue, { by: "ann", ...until });
        return "";
      },
    }),
  );

export const resume = anyQueue.map((queue) =>
  command({
    name: `resume ${queue}`,
    isPossible: (state) => state.pauses.size > 0,
    run: async (state, { system }) => {
      const expected = state.pauses.delete(queue);
      expectSame("resumed", expected, await resumeQueue(system.database, queue, { by: "ann" }));
      return "";
    },
  }),
);

export const weigh = fc
  .record({ owner: fc.constantFrom("ann", "ben"), weight: fc.constantFrom(0.5, 2, null) })
  .map(({ owner, weight }) =>
    command({
      name: `${owner} weighs ${weight ?? 1}`,
      run: async (state, { system }) => {
        if (weight === null) state.weights.delete(owner);
        else state.weights.set(owner, weight);
        await setOwnerWeight(system.database, owner, weight);
        return "";
      },
    }),
  );
