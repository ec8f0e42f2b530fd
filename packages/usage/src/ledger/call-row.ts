import { z } from "zod";
import type { CallRecord } from "@millrace/models";

/** Longer names are cut: what providers answer must not keep a call from being listed. */
const maxNameLength = 300;
const isId = (text: string | undefined): text is string => z.uuid().safeParse(text).success;
const name = (text: string): string => text.slice(0, maxNameLength);

/** A count or a sum that the table takes; null for one that nobody can have meant. */
function amount(value: number | null, max: number): number | null {
  return value !== null && value >= 0 && value <= max ? value : null;
}

/** Tokens and cost as they are stored: what is negative, endless or no number counts as unknown. */
export function storedAmounts({ tokens, cost }: Pick<CallRecord, "tokens" | "cost">): {
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cached_input_tokens: number | null;
  readonly cost: number | null;
} {
  const count = (value: number | null): number | null => {
    const found = amount(value, 1e15);
    return found === null ? null : Math.round(found);
  };
  return {
    input_tokens: count(tokens.input),
    output_tokens: count(tokens.output),
    cached_input_tokens: count(tokens.cachedInput),
    cost: amount(cost, 1e9),
  };
}

/** A call as a row of `model_call`, fit to be stored whatever a server said. */
export function toCallRow(call: CallRecord) {
  const { origin } = call;
  return {
    id: call.id,
    called_at: call.at.toISOString(),
    owner: origin.owner ?? "",
    job_id: isId(origin.job) ? origin.job : null,
    step: origin.step === undefined ? null : name(origin.step),
    purpose: name(call.purpose),
    kind: call.kind,
    model: name(call.model),
    prompt: call.prompt === null ? null : name(call.prompt),
    outcome: call.outcome,
    error_code: call.errorCode === null ? null : name(call.errorCode),
    ...storedAmounts(call),
    latency_ms: amount(call.latencyMs, 1e12) ?? 0,
  };
}
export type CallRow = ReturnType<typeof toCallRow>;
