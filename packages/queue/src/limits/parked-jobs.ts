import { jsonb } from "@millrace/database";
import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { TellingJob } from "../jobs/transition.ts";
import type { Parking } from "./admit.ts";

export const telling = sql`job.id, job.task, job.queue, job.owner, job.attempt`;

/** Puts locked jobs, queued or in another line, into the lines of the limiters that hold them. */
export async function parkJobs(
  transaction: Transaction,
  parkings: readonly Parking[],
): Promise<readonly TellingJob[]> {
  if (parkings.length === 0) return [];
  const parked = await sql<TellingJob>`
    UPDATE job SET state = 'scheduled', reason = parking.reason, parked_by = parking.limiter
    FROM jsonb_to_recordset(${jsonb(parkings)}) AS parking (id uuid, limiter text, reason text)
    WHERE job.id = parking.id RETURNING ${telling}`.execute(transaction);
  return parked.rows;
}

/** Takes locked jobs out of their lines. */
export async function unparkJobs(
  transaction: Transaction,
  ids: readonly string[],
): Promise<readonly TellingJob[]> {
  if (ids.length === 0) return [];
  const released = await sql<TellingJob>`
    UPDATE job SET state = 'queued', reason = NULL, parked_by = NULL
    WHERE id = ANY(${[...ids]}::uuid[]) RETURNING ${telling}`.execute(transaction);
  return released.rows;
}
