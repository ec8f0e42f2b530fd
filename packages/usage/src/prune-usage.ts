import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";

/** Small enough that a delete holds its locks for milliseconds. */
const batch = 1_000;
const maxBatches = 500;

/**
 * Deletes calls and charges that are older, and what limits and budgets no longer need, in batches. Ends with
 * the one at hand when the signal aborts. Any number of processes may do it at once. Returns how many rows.
 */
export async function pruneUsage(
  { queryable }: QueryAccess,
  { olderThanDays, signal }: { readonly olderThanDays: number; readonly signal: AbortSignal },
): Promise<number> {
  const before = sql`now() - ${olderThanDays}::double precision * interval '1 day'`;
  const prunings = [
    sql`DELETE FROM model_call WHERE id IN (
      SELECT id FROM model_call WHERE called_at < ${before} LIMIT ${batch} FOR UPDATE SKIP LOCKED)`,
    sql`DELETE FROM model_charge WHERE (job_id, step) IN (
      SELECT job_id, step FROM model_charge WHERE charged_at < ${before} LIMIT ${batch} FOR UPDATE SKIP LOCKED)`,
    sql`DELETE FROM model_limit_owner WHERE (model, owner) IN (
      SELECT model, owner FROM model_limit_owner WHERE waiting_until < now() - interval '1 hour'
      LIMIT ${batch} FOR UPDATE SKIP LOCKED)`,
    // Counted anew from the list of calls when it is needed again.
    sql`DELETE FROM model_budget_use WHERE scope IN (
      SELECT scope FROM model_budget_use WHERE month < (now() - interval '2 months') AND reserved_dollars = 0
        AND reserved_tokens = 0 LIMIT ${batch} FOR UPDATE SKIP LOCKED)`,
  ];
  let count = 0;
  for (const pruning of prunings) {
    for (let batches = 0; batches < maxBatches && !signal.aborted; batches++) {
      const gone = Number((await pruning.execute(queryable)).numAffectedRows ?? 0n);
      count += gone;
      if (gone < batch) break;
    }
  }
  await reclaimBudgets(queryable);
  return count;
}

/** What dead processes had set aside is given back when it is in somebody's way; here what is in nobody's. */
async function reclaimBudgets(queryable: QueryAccess["queryable"]): Promise<void> {
  const lost = await sql<{ scope: string }>`
    SELECT DISTINCT scope FROM model_reservation WHERE expires_at < now() LIMIT ${batch}`.execute(queryable);
  for (const { scope } of lost.rows) await sql`SELECT reclaim_budget(${scope})`.execute(queryable);
}
