import type { CallRecord } from "@millrace/models";

/** Names that come from programs: series of their own for so many, the others together. */
const maxSeries = 500;
const other = "other";

export type CallCount = {
  readonly purpose: string;
  readonly model: string;
  readonly outcome: CallRecord["outcome"] | typeof other;
  calls: number;
  inputTokens: number;
  outputTokens: number;
  cost: number;
};

export type WaitCount = { readonly model: string; waits: number; seconds: number };

/** What this process has counted since it began, for metrics. */
export class UsageCounts {
  readonly #calls = new Map<string, CallCount>();
  readonly #waits = new Map<string, WaitCount>();
  dropped = 0;

  get calls(): readonly Readonly<CallCount>[] {
    return [...this.#calls.values()];
  }

  get waits(): readonly Readonly<WaitCount>[] {
    return [...this.#waits.values()];
  }

  countCall({ purpose, model, outcome, tokens, cost }: CallRecord): void {
    const named = { purpose, model, outcome };
    const count = this.#calls.get(keyOf(named)) ?? this.#begin(named);
    count.calls += 1;
    // Tokens of stored answers were counted when they were made.
    if (outcome === "cached" || outcome === "shared") return;
    count.inputTokens += Math.max(0, tokens.input ?? 0);
    count.outputTokens += Math.max(0, tokens.output ?? 0);
    count.cost += Math.max(0, cost ?? 0);
  }

  countWait(model: string, waitMs: number): void {
    const name = this.#waits.has(model) || this.#waits.size < maxSeries ? model : other;
    const count = this.#waits.get(name) ?? { model: name, waits: 0, seconds: 0 };
    count.waits += 1;
    count.seconds += waitMs / 1000;
    this.#waits.set(name, count);
  }

  #begin(wanted: Pick<CallCount, "purpose" | "model" | "outcome">): CallCount {
    const named =
      this.#calls.size < maxSeries
        ? wanted
        : { purpose: other, model: other, outcome: other as typeof other };
    const known = this.#calls.get(keyOf(named));
    if (known !== undefined) return known;
    const count: CallCount = { ...named, calls: 0, inputTokens: 0, outputTokens: 0, cost: 0 };
    this.#calls.set(keyOf(named), count);
    return count;
  }
}

function keyOf({ purpose, model, outcome }: Pick<CallCount, "purpose" | "model" | "outcome">): string {
  return JSON.stringify([purpose, model, outcome]);
}
