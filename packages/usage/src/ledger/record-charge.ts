import type { Queryable } from "@millrace/database";
import type { Usage } from "@millrace/models";
import { sql } from "kysely";
import { storedAmounts } from "./call-row.ts";

export type Charge = {
  readonly job: string;
  readonly step: string;
  readonly owner: string | null;
  readonly model: string;
  readonly usage: Usage;
  /** In US dollars; null when unknown. */
  readonly cost: number | null;
  /** The answer was there already: nobody pays its tokens a second time. Default false. */
  readonly cached?: boolean;
};

/**
 * Charges a step of a job, once: of a second time nothing is written. Call it in the transaction that records
 * the step, so that what is recorded is paid and nothing else is.
 */
export async function recordCharge(transaction: Queryable, charge: Charge): Promise<void> {
  const { usage, cached = false } = charge;
  const tokens = {
    input: cached ? 0 : usage.inputTokens,
    output: cached ? 0 : usage.outputTokens,
    cachedInput: null,
  };
  const { input_tokens, output_tokens, cached_input_tokens, cost } = storedAmounts({ ...charge, tokens });
  await sql`
    INSERT INTO model_charge (job_id, step, owner, model, input_tokens, output_tokens, cached_input_tokens, cost)
    VALUES (${charge.job}::uuid, ${charge.step}, ${charge.owner ?? ""}, ${charge.model}, ${input_tokens}::bigint,
      ${output_tokens}::bigint, ${cached_input_tokens}::bigint, ${cost}::numeric)
    ON CONFLICT (job_id, step) DO NOTHING`.execute(transaction);
}
