import { isTerminal } from "@millrace/contracts";
import * as fc from "fast-check";
import { forceRelease } from "../../src/control/force-release.ts";
import { setOwnerWeight } from "../../src/control/owner-weight.ts";
import { pauseQueue, resumeQueue } from "../../src/control/pause.ts";
import { cancelJob } from "../../src/jobs/cancel.ts";
import { retryJob } from "../../src/jobs/retry.ts";
import { answerJob } from "../../src/waiting/answer-job.ts";
import { answerOf, anyId, anyPick, command, expectAnswer, expectSame, pick } from "./command.ts";
import type { Run } from "./command.ts";
import * as model from "./model.ts";
import * as peopleModel from "./people-model.ts";
import type { Model } from "./model.ts";
import { inScope, partsOf } from "./system.ts";
import { answers, durations, nameOf, questionKeys } from "./world.ts";

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

async function answerBoth(
  state: Model,
  { system }: Run,
  given: { readonly id: string; readonly key: string; readonly answer: string },
): Promise<string> {
  const { id, key, answer } = given;
  const expected = peopleModel.answer(state, id, { key, answer });
  const said = await answerOf(
    inScope(system, async (scope) => {
      await answerJob(scope, partsOf(system), id, { key, answer, by: "ann" });
      return "answered" as const;
    }),
  );
  expectAnswer(system, `answer to ${key} of ${nameOf(id)}`, expected, said);
  return nameOf(id);
}

/** Mostly to what is asked, of a job that waits, that asked or was answered before, or of any. */
export const answer = fc
  .record({
    which: anyPick,
    who: fc.constantFrom("waiting", "waiting", "waiting", "asked", "asked", "any"),
    other: fc.constantFrom(null, null, null, ...questionKeys),
    given: fc.constantFrom(...answers, ...answers, "maybe"),
  })
  .map(({ which, who, other, given }) => {
    const asked = (state: Model): string[] => {
      const known = model.allJobs(state).filter((job) => job.asks !== null || job.answers.size > 0);
      const waiting = known.filter((job) => job.state === "waiting");
      return (who === "waiting" ? waiting : known).map(({ id }) => id);
    };
    return command({
      name: `${given} to a question of`,
      isPossible: (state) => (who === "any" ? state.jobs.size > 0 : asked(state).length > 0),
      run: (state, real) => {
        const id = who === "any" ? anyId(state, which) : pick(asked(state), which);
        const job = state.jobs.get(id);
        const key = other ?? job?.asks?.key ?? [...(job?.answers.keys() ?? [])][0] ?? "first";
        return answerBoth(state, real, { id, key, answer: given });
      },
    });
  });

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
