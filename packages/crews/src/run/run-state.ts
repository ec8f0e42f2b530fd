import { createHash } from "node:crypto";
import { crewErrors } from "../errors.ts";
import type { Crew, CrewAgent, CrewInputs } from "../definition/crew.ts";
import type { ToolContext } from "../tools/tool.ts";
import { RateGate } from "./rate-gate.ts";
import type { CrewRuntime } from "./runtime.ts";
import type { UsageCount } from "./usage.ts";

/** Far more than a sensible task takes: it stops agents that hand work to each other without end. */
const maxTurnsOfTask = 200;

/** What all parts of one run share. */
export type Run = {
  readonly crew: Crew;
  readonly inputs: CrewInputs;
  readonly runtime: CrewRuntime;
  /** The runtime's, and that of a run of which a part has failed. */
  readonly signal: AbortSignal;
  readonly usage: UsageCount;
  /** When the run began, in its first attempt. */
  readonly startedAt: Date;
  readonly gates: Gates;
};

/** The limits per minute of the crew and of its agents. */
export class Gates {
  readonly #crew: RateGate | null;
  readonly #agents = new Map<string, RateGate>();

  constructor(crew: Crew) {
    this.#crew = crew.maxRequestsPerMinute === null ? null : new RateGate(crew.maxRequestsPerMinute);
    const everyone = crew.manager === null ? crew.agents : [...crew.agents, crew.manager];
    for (const { name, maxRequestsPerMinute } of everyone)
      if (maxRequestsPerMinute !== null) this.#agents.set(name, new RateGate(maxRequestsPerMinute));
  }

  of(agent: CrewAgent | null): readonly RateGate[] {
    const own = agent === null ? undefined : this.#agents.get(agent.name);
    return [this.#crew, own].filter((gate) => gate !== null && gate !== undefined);
  }
}

/** Counts the turns of one task, those of coworkers included. */
export class TurnCap {
  readonly #task: string;
  #turns = 0;

  constructor(task: string) {
    this.#task = task;
  }

  take(): void {
    if (this.#turns === maxTurnsOfTask) throw crewErrors.tooManyTurns(this.#task, this.#turns);
    this.#turns += 1;
  }
}

const maxKeyLength = 200;

/** A key that fits its column: what delegation and retries make too long is shortened to a hash. */
export function stepKey(...parts: readonly (string | number)[]): string {
  const key = parts.join("/");
  if (key.length <= maxKeyLength) return key;
  const hash = createHash("sha256").update(key).digest("hex").slice(0, 32);
  return `${key.slice(0, 120)}/${hash}`;
}

/** What a tool, callback, guardrail or condition is told of the run around it. */
export function contextOf(run: Run, step: string, signal: AbortSignal): ToolContext {
  return { ...run.runtime.scope, step, signal };
}

/**
 * Text that anybody may have written, between markers that its author can't have guessed. The same at every
 * replay: they follow from the job and the step.
 */
export function markedAsData(run: Run, key: string, text: string): string {
  const { job } = run.runtime.scope;
  const nonce = createHash("sha256").update(`${job} ${key}`).digest("hex").slice(0, 18);
  return `<data-${nonce}>\n${text}\n</data-${nonce}>`;
}

/** Text for those who watch: enough to follow, and bounded. */
export function excerpt(text: string): string {
  return text.length <= 2000 ? text : `${text.slice(0, 2000)}…`;
}
