import { sql } from "kysely";
import type { WriteScope } from "../write-scope.ts";

/**
 * Takes fields out of what a job was given: secrets that no further attempt needs. For transactions of its
 * handler and for `onEnd`; a job that is retried later comes without them. Their names are kept: whoever sends
 * the request again is given the job, whatever these fields have in it.
 */
export async function forgetInput(
  { transaction }: Pick<WriteScope, "transaction">,
  jobId: string,
  fields: readonly string[],
): Promise<void> {
  await sql`
    UPDATE job_payload SET input = input - ${[...fields]}::text[],
      forgotten = array(SELECT unnest(forgotten) UNION SELECT field FROM unnest(${[...fields]}::text[]) AS field WHERE input ? field)
    WHERE job_id = ${jobId}`.execute(transaction);
}
