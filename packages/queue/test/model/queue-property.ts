import * as fc from "fast-check";
import { commandSequences, runCommands } from "./sequences.ts";
import { openSystem } from "./system.ts";
import type { QueueSystem } from "./system.ts";

export type ModelCheck = {
  readonly runs: number;
  readonly seed: number;
  /** Where fast-check goes straight to: a failure that it has reported. */
  readonly path?: string | undefined;
  readonly replayPath?: string | undefined;
  /** Whether a failure is reported as it was found, without looking for a shorter one. Default false. */
  readonly isQuick?: boolean;
  /** Done to the database before anything else. */
  readonly prepare?: (system: QueueSystem) => Promise<void>;
};

/**
 * A third of them is done, the others are not possible when their turn comes. With these a run takes about
 * 80 ms, and guards that are taken out of the queue are missed within 150 runs. More would leave fewer runs in
 * the same time.
 */
const maxCommands = 45;

/** A clean environment gives the settings of the gate; see `scripts/nightly.ts` for those of the night. */
export function readModelCheck(environment: NodeJS.ProcessEnv): ModelCheck {
  const { MILLRACE_MODEL_RUNS, MILLRACE_MODEL_SEED, MILLRACE_MODEL_PATH, MILLRACE_MODEL_REPLAY } =
    environment;
  return {
    runs: Number(MILLRACE_MODEL_RUNS ?? 1000),
    seed: Number(MILLRACE_MODEL_SEED ?? 20_261_121),
    path: MILLRACE_MODEL_PATH,
    replayPath: MILLRACE_MODEL_REPLAY,
  };
}

export type ModelResult = {
  /** What went wrong, for people. */
  readonly failure: string | undefined;
  /** How often what came about. */
  readonly noticed: ReadonlyMap<string, number>;
};

/** Runs commands against the queue and the model. */
export async function checkQueue(check: ModelCheck): Promise<ModelResult> {
  const { runs, seed, path, replayPath, isQuick = false } = check;
  const system = await openSystem();
  try {
    await check.prepare?.(system);
    const details = await fc.check(
      fc.asyncProperty(commandSequences(maxCommands, replayPath), ([first, commands]) =>
        runCommands(system, first, commands),
      ),
      { numRuns: runs, seed, endOnFailure: isQuick, ...(path === undefined ? {} : { path }) },
    );
    return {
      failure: details.failed ? describeFailure(details) : undefined,
      noticed: system.noticed,
    };
  } finally {
    await system.close();
  }
}

type Failure = Pick<
  fc.RunDetails<unknown>,
  "seed" | "counterexamplePath" | "errorInstance" | "numRuns" | "numShrinks"
> & {
  readonly counterexample: readonly unknown[] | null;
};

function describeFailure(details: Failure): string {
  const { seed, counterexamplePath, counterexample, errorInstance, numRuns, numShrinks } = details;
  const text = String(counterexample?.[0]);
  const replay = /replayPath="([^"]*)"/.exec(text)?.[1] ?? "";
  const settings = [
    `MILLRACE_MODEL_SEED=${seed}`,
    `MILLRACE_MODEL_PATH='${counterexamplePath ?? ""}'`,
    `MILLRACE_MODEL_REPLAY='${replay}'`,
  ];
  return [
    `The queue and its model disagree in run ${numRuns}, after ${numShrinks} shrinks: ${text}`,
    errorInstance instanceof Error ? errorInstance.stack : String(errorInstance),
    `To run it again: ${settings.join(" ")}`,
  ].join("\n");
}
