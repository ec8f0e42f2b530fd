import type { ModelUse } from "../tools/tool.ts";
import type { TurnRecord } from "./turn-record.ts";

/** What a run has used. JSON. Numbers that a server did not give make the sum unknown: null, never too little. */
export type CrewUsage = {
  readonly model_calls: number;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly total_tokens: number | null;
  readonly tool_calls: number;
  /** In US dollars: models and tools. Null when the price of a call is unknown. */
  readonly cost: number | null;
};

/** Adds up recorded turns and tool calls: the same sum for a run that was interrupted. */
export class UsageCount {
  #turns: TurnRecord[] = [];
  #toolCalls = 0;
  #toolCost = 0;
  #toolUses: ModelUse[] = [];

  addTurn(record: TurnRecord): void {
    this.#turns.push(record);
  }

  addTool(cost: number, uses: readonly ModelUse[]): void {
    this.#toolCalls += 1;
    this.#toolCost += cost;
    this.#toolUses.push(...uses);
  }

  total(): CrewUsage {
    const paid = [...this.#turns.map(paidOf).filter((use) => use !== undefined), ...this.#toolUses];
    const input = sumKnown(paid.map((use) => use.inputTokens));
    const output = sumKnown(paid.map((use) => use.outputTokens));
    return {
      model_calls: this.#turns.length + this.#toolUses.length,
      input_tokens: input,
      output_tokens: output,
      total_tokens: sumKnown([input, output]),
      tool_calls: this.#toolCalls,
      cost: rounded(sumKnown([...paid.map((use) => use.cost), this.#toolCost])),
    };
  }
}

type Paid = Pick<Extract<TurnRecord, { outcome: "answered" }>, "inputTokens" | "outputTokens" | "cost">;

/** A turn that failed and counted no tokens cost nothing. */
function paidOf(turn: TurnRecord): Paid | undefined {
  if (turn.outcome === "answered") return turn;
  if (turn.use === undefined) return undefined;
  const { tokens, cost } = turn.use;
  return { inputTokens: tokens.input, outputTokens: tokens.output, cost };
}

/** Unknown when one of them is. */
export function sumKnown(values: readonly (number | null)[]): number | null {
  return values.reduce((total, value) => (total === null || value === null ? null : total + value), 0);
}

/** Async tasks end in any order, and sums of fractions differ with it in the last digits. */
function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 1e9) / 1e9;
}
