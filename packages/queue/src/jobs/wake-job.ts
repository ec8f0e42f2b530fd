import { sql } from "kysely";
import type { WriteScope } from "../write-scope.ts";

/**
 * Lets a job that was snoozed go on now, in the caller's transaction: for who knows that what it waits for has come. It
 * is a hint: one that runs, or that somebody else holds at this moment, is left, so a snooze must have an end of its
 * own all the same.
 */
export async function wakeJob({ transaction }: Pick<WriteScope, "transaction">, id: string): Promise<void> {
  await sql`
    UPDATE job SET run_at = now() WHERE id IN (
      SELECT id FROM job WHERE id = ${id} AND state = 'scheduled' AND reason = 'snooze' AND run_at > now()
      FOR UPDATE SKIP LOCKED)`.execute(transaction);
}
