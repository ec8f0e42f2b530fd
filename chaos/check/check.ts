import { findQueueProblems } from "@millrace/queue";
import { setTimeout as delay } from "node:timers/promises";
import type { Ground } from "../ground/ground.ts";
import type { Load } from "../load/load.ts";
import type { Outside } from "../load/outside.ts";
import { countOpen, readFacts } from "./facts.ts";
import type { Facts } from "./facts.ts";
import { findLeftovers } from "./leftovers.ts";
import { countInFlightRepeats, findViolations, findWrongEnds } from "./violations.ts";
import type { Violations } from "./violations.ts";

export type Findings = Violations & {
  /** The queue's own tables disagree with each other. */
  readonly inconsistent: readonly string[];
  /** Answers that no client may get. */
  readonly wrongAnswers: readonly string[];
  /** Only at rest: what has not ended, or not as it had to. */
  readonly wrongEnds: readonly string[];
  /** Only at rest: what was left behind. */
  readonly leftovers: readonly string[];
};

export type Checked = {
  readonly findings: Findings;
  readonly facts: Facts;
  readonly inFlightRepeats: number;
};

/** Looks at everything once. With `atRest`, nothing may be open any more. */
export async function check(
  parts: { readonly ground: Ground; readonly load: Load; readonly outside: Outside },
  options: { readonly atRest: boolean },
): Promise<Checked> {
  const { ground, load, outside } = parts;
  // Before the facts are read: what is accepted meanwhile may not be among them.
  const accepted = [...load.accepted];
  const { modelCalls } = outside;
  const calls = [...outside.calls, ...modelCalls];
  const facts = await readFacts(ground.database);
  const observed = { facts, accepted, calls, modelCalls };
  const problems = await findQueueProblems(ground.database.queryable);
  const { atRest } = options;
  return {
    facts,
    inFlightRepeats: countInFlightRepeats(observed),
    findings: {
      ...findViolations(observed),
      inconsistent: problems.map(
        (problem) => `${problem.check}: ${problem.count}, as ${problem.examples[0]}`,
      ),
      wrongAnswers: load.wrongAnswers,
      wrongEnds: atRest ? findWrongEnds(observed) : [],
      leftovers: atRest ? await findLeftovers(ground) : [],
    },
  };
}

/** Everything that is wrong, in words. */
export function listFindings(findings: Findings): string[] {
  return Object.entries(findings).flatMap(([kind, items]) => items.map((item) => `${kind}: ${item}`));
}

/** Waits until every job has ended, at most so long. Says whether they have. */
export async function drain(ground: Ground, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const open = await countOpen(ground.database).catch(() => undefined);
    if (open === 0) return true;
    if (performance.now() > deadline) return false;
    await delay(250);
  }
}
