import { isDeepStrictEqual } from "node:util";
import { isMillraceError } from "@millrace/kernel";
import * as fc from "fast-check";
import type { ClaimPlace } from "../../src/jobs/claim.ts";
import { differences, violations } from "./agreement.ts";
import * as model from "./model.ts";
import type { Model, ModelClaim, Refusal } from "./model.ts";
import { notice, takeSnapshot } from "./system.ts";
import type { QueueSystem, Snapshot } from "./system.ts";
import { jobId, nameOf, workers } from "./world.ts";

/** The real queue beside the model, and what the database held after the last command. */
export type Run = {
  readonly system: QueueSystem;
  last: Snapshot | undefined;
  /** As the model's: where the queue says that claims ended. */
  readonly places: Map<string, ClaimPlace>;
};

export type Command = fc.AsyncCommand<Model, Run>;

export type Step = {
  /** As it was given. */
  readonly name: string;
  readonly isPossible?: (state: Model) => boolean;
  /** Does it to the model and to the queue, and returns what it was done to. */
  readonly run: (state: Model, run: Run) => Promise<string>;
};

/** A command: done to both, after which both must agree. */
export function command({ name, isPossible = () => true, run }: Step): Command {
  let text = name;
  return {
    check: isPossible,
    // One to a line, in the report of a failure.
    toString: () => `\n  ${text}`,
    run: async (state, real) => {
      state.now += 1;
      state.told = [];
      real.system.told.length = 0;
      const what = await run(state, real);
      text = what === "" ? name : `${name} ${what}`;
      await expectAgreement(text, state, real);
      for (const one of state.told) notice(real.system, one.slice(0, one.indexOf(" ")));
    },
  };
}

export async function expectAgreement(text: string, state: Model, real: Run): Promise<void> {
  const snapshot = await takeSnapshot(real.system);
  const problems = [...violations(real.last, snapshot), ...differences(state, snapshot)];
  const told = real.system.told.toSorted();
  if (!isDeepStrictEqual(told, state.told.toSorted())) {
    problems.push(`hooks: expected ${sayAll(state.told)}; they were told ${sayAll(told)}`);
  }
  real.last = snapshot;
  if (problems.length > 0) throw new Error(`after "${text}":\n  ${problems.join("\n  ")}`);
}

function sayAll(told: readonly string[]): string {
  const texts = told.map((one) => one.replace(/ (\S+)$/, (_match, id: string) => ` ${nameOf(id)}`));
  return texts.length === 0 ? "nothing" : texts.toSorted().join(", ");
}

export function expectSame(what: string, expected: unknown, given: unknown): void {
  if (isDeepStrictEqual(expected, given)) return;
  throw new Error(`${what}: expected ${JSON.stringify(expected)}, and it was ${JSON.stringify(given)}`);
}

/** The same for an answer that may be a refusal. */
export function expectAnswer(system: QueueSystem, what: string, expected: unknown, given: unknown): void {
  expectSame(what, expected, given);
  const [refused] = [expected].flatMap((one) =>
    typeof one === "object" && one !== null && "refused" in one ? [String(one.refused)] : [],
  );
  if (refused !== undefined) notice(system, refused);
}

/** What the queue answered, or the code with which it refused. */
export async function answerOf<Value>(asked: Promise<Value>): Promise<Value | Refusal> {
  try {
    return await asked;
  } catch (error) {
    if (isMillraceError(error)) return { refused: error.code };
    throw error;
  }
}

/** Picks are numbers, so that a shorter run of commands still has something to pick. */
export function pick<Value>(values: readonly Value[], number: number): Value {
  const value = values[number % values.length];
  if (value === undefined) throw new Error("there is nothing to pick from");
  return value;
}

/** Seldom the one of an older version. */
export const anyWorker = fc.constantFrom(0, 0, 1, 1, 1, 2);

export const anyPick = fc.nat({ max: 30 });

/** Claims of workers that live: those that hold their jobs, or those that lost them. */
export function claimsOf(state: Model, isHeld: boolean): ModelClaim[] {
  return state.claims.filter(
    (given) => !given.isDead && (model.heldJob(state, given) !== undefined) === isHeld,
  );
}

export function sayClaim({ id, fence, worker }: ModelClaim): string {
  return `${nameOf(id)} (fence ${fence}, ${pick(workers, worker).name})`;
}

/** A job, or an id of which there is none. */
export function anyId(state: Model, which: number): string {
  return pick([...state.jobs.keys(), jobId(0xdead)], which);
}
