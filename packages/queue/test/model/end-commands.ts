import * as fc from "fast-check";
import { z } from "zod";
import { finishAttempt } from "../../src/jobs/finish-attempt.ts";
import type { AttemptEnd } from "../../src/jobs/finish-attempt.ts";
import { recordCrashAlone } from "../../src/jobs/record-crash-alone.ts";
import { succeedJobs } from "../../src/jobs/succeed-jobs.ts";
import { toQuestion } from "../../src/waiting/question.ts";
import { anyPick, claimsOf, command, expectSame, pick, sayClaim } from "./command.ts";
import type { Command, Run } from "./command.ts";
import * as workerModel from "./worker-model.ts";
import type { Model, ModelClaim } from "./model.ts";
import type { Finish } from "./worker-model.ts";
import { inScope, notice, partsOf, say } from "./system.ts";
import { answers, durations, questionKeys, tasks, workers } from "./world.ts";

const finishArbitrary: fc.Arbitrary<Finish> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Finish>({ outcome: "succeeded", output: { answer: 42 } }) },
  {
    weight: 3,
    arbitrary: fc.record({
      outcome: fc.constantFrom("failed" as const, "timed_out" as const),
      retryInMs: fc.constantFrom(undefined, durations.shortMs, durations.longMs),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Finish>({ outcome: "cancelled" }) },
  {
    weight: 1,
    arbitrary: fc.record({
      outcome: fc.constant("snoozed" as const),
      delayMs: fc.constantFrom(durations.shortMs, durations.longMs),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      outcome: fc.constant("snoozed" as const),
      question: fc.record({
        key: fc.constantFrom(...questionKeys),
        expiresInMs: fc.constantFrom(durations.shortMs, durations.longMs),
        goesOnAtExpiry: fc.boolean(),
      }),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Finish>({ outcome: "handed_back" }) },
);

function toEnd(wish: Finish): AttemptEnd {
  if ("retryInMs" in wish) {
    return { ...wish, error: { code: workerModel.failure, message: "as the test said" } };
  }
  if (!("question" in wish)) return wish;
  const { key, expiresInMs, goesOnAtExpiry } = wish.question;
  const question = toQuestion(key, {
    question: "Well?",
    schema: z.enum(answers),
    expiresInMs,
    ...(goesOnAtExpiry ? { answerAtExpiry: "no" } : {}),
  });
  return { outcome: "snoozed", question };
}

export async function finishBoth(
  state: Model,
  { system }: Run,
  given: ModelClaim,
  wish: Finish,
): Promise<string> {
  const stream = state.jobs.get(given.id)?.stream ?? `job:${given.id}`;
  const expected = workerModel.finish(state, given, wish);
  const end = toEnd(wish);
  const isHeld = await inScope(system, (scope) =>
    finishAttempt(scope, partsOf(system), given, {
      end,
      writeFirst: () => say(system, scope, stream),
      skipsHook: false,
    }),
  );
  expectSame(`${sayClaim(given)} is still held`, expected, isHeld);
  if (!isHeld) notice(system, "late end refused");
  return sayClaim(given);
}

export function finishCommand(isHeld: boolean): fc.Arbitrary<Command> {
  return fc.record({ which: anyPick, wish: finishArbitrary }).map(({ which, wish }) => {
    const wait = "retryInMs" in wish ? wish.retryInMs : undefined;
    const how = `${"question" in wish ? `asks for ${wish.question.key}` : wish.outcome}${wait === undefined ? "" : ", again later"}`;
    return command({
      name: isHeld ? `${how}:` : `a former holder says ${how}:`,
      isPossible: (state) => claimsOf(state, isHeld).length > 0,
      run: (state, real) => finishBoth(state, real, pick(claimsOf(state, isHeld), which), wish),
    });
  });
}

/** Only jobs whose end writes nothing else are ended so. */
export async function succeedBoth(
  state: Model,
  { system }: Run,
  given: readonly ModelClaim[],
): Promise<string> {
  const simple = given.filter(({ id }) => {
    const task = state.jobs.get(id)?.task;
    return task !== undefined && !tasks[task].sharesStream;
  });
  const once = [...new Map(simple.map((one) => [one.id, one])).values()];
  const expected = workerModel.succeedTogether(state, once);
  const { ended } = await succeedJobs(
    system.database,
    pick(workers, 0),
    once.map(({ id, fence }) => ({
      id,
      fence,
      output: JSON.stringify(fence),
      keptDays: durations.successKeptMs / 86_400_000,
    })),
  );
  expectSame(`of ${once.map(sayClaim).join(", ")} ended`, expected.toSorted(), [...ended.keys()].toSorted());
  if (expected.length < once.length) notice(system, "late success refused");
  return once.map(sayClaim).join(", ");
}

export const succeedTogether = fc
  .record({ worker: fc.nat({ max: 1 }), stale: fc.boolean() })
  .map(({ worker, stale }) =>
    command({
      name: stale ? "a worker records every success it ever had:" : "a worker records its successes:",
      isPossible: (state) => claimsOf(state, true).length > 0,
      run: (state, real) =>
        succeedBoth(
          state,
          real,
          [...(stale ? claimsOf(state, false) : []), ...claimsOf(state, true)].filter(
            (one) => one.worker === worker,
          ),
        ),
    }),
  );

export function crashAlone(isHeld: boolean): fc.Arbitrary<Command> {
  return anyPick.map((which) =>
    command({
      name: isHeld ? "its own process dies:" : "a former holder says that its process died:",
      isPossible: (state) => claimsOf(state, isHeld).length > 0,
      run: async (state, { system }) => {
        const given = pick(claimsOf(state, isHeld), which);
        workerModel.crashAlone(state, given);
        if (!isHeld) notice(system, "late crash refused");
        await recordCrashAlone(partsOf(system), given, "by the test");
        return sayClaim(given);
      },
    }),
  );
}
