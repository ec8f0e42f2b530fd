import { sleep, systemClock } from "@millrace/kernel";
import { snooze } from "@millrace/queue";
import type { FencedScope, JobContext } from "@millrace/queue";
import { z } from "zod";
import { excerpt } from "./run-state.ts";
import type { CrewEvent, CrewRuntime } from "./runtime.ts";

/** A wait that is not worth to give the worker's slot back for. */
const longestPauseMs = 5000;

/** What a person says about an output; empty when it is accepted. Well below what an answer of a job may have. */
const feedbackSchema = z.string().max(20_000);

export type JobRuntimeOptions = Pick<CrewRuntime, "turn" | "emit" | "onText" | "saveFile" | "permissions"> & {
  /** Writes what a step means in the transaction that records it. Default: its events go to the job's stream. */
  readonly record?: (scope: FencedScope, step: RecordedStep) => Promise<void>;
};

export type RecordedStep = { readonly value: unknown; readonly events: readonly CrewEvent[] };

/**
 * A run of a crew as a job: its steps are the job's, its events go to the job's stream with the record of their
 * step, and while it waits for a person or for a limit per minute it holds no worker. A person's answer is a
 * text, given to the question whose key is that of the wait.
 */
export function jobRuntime(context: JobContext<unknown>, options: JobRuntimeOptions): CrewRuntime {
  const { record = emitEvents, ...rest } = options;
  return {
    ...rest,
    step: (key, run, stepOptions) => {
      const events = stepOptions?.events;
      if (events === undefined) return context.step(key, run);
      return context.step(key, run, {
        record: async (scope, value) => record(scope, { value, events: events(value) }),
      });
    },
    waitForPerson: (key, { task, agent, refusal }) =>
      context.waitFor(key, {
        question: `${againBecause(refusal)}The task ${task} is done by ${agent.slice(0, 200)}. Accept its output with an empty answer, or say what has to change.`,
        schema: feedbackSchema,
      }),
    pause: async (durationMs, signal) => {
      if (durationMs > longestPauseMs)
        throw snooze(durationMs, "The crew's calls of this minute are used up.");
      await sleep(durationMs, signal);
    },
    signal: context.signal,
    clock: systemClock,
    scope: { owner: context.job.owner, job: context.job.id },
  };
}

/** Whoever accepted an output and is asked again would think that the answer was lost. */
function againBecause(refusal: string | null): string {
  return refusal === null ? "" : `A guardrail refused the output before this one: ${excerpt(refusal)}\n`;
}

async function emitEvents(scope: FencedScope, { events }: RecordedStep): Promise<void> {
  for (const { type, data } of events) scope.emit(type, data);
}
