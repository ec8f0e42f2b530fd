import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";

/** Members of workflows, and children: what is done with others of them may be done with them too. */
export const isRelated = sql`(job.workflow_id IS NOT NULL OR job.parent_id IS NOT NULL)`;

/** Related jobs that are remembered for one change of many: their ids take some megabytes. */
export const maxRelated = 100_000;

/** A job that had to be cancelled and was cancelled along with another. A member that its workflow wants stopped is so in a moment. */
export const becameCancelled = sql`(job.state = 'cancelled' OR (job.finished_at IS NULL AND (
  job.cancel_requested_at IS NOT NULL
  OR EXISTS (SELECT FROM workflow_node AS node WHERE node.job_id = job.id AND node.is_stopping))))`;

const chunkSize = 10_000;

/** Which of these jobs have become what they were to become, because of others. */
export async function findChangedAlong(
  database: QueryAccess,
  related: ReadonlySet<string>,
  became: RawBuilder<unknown>,
): Promise<string[]> {
  const ids = [...related];
  const changed: string[] = [];
  for (let at = 0; at < ids.length; at += chunkSize) {
    const found = await sql<{ id: string }>`
      SELECT id FROM job WHERE id = ANY(${ids.slice(at, at + chunkSize)}::uuid[]) AND ${became}`.execute(
      database.queryable,
    );
    changed.push(...found.rows.map(({ id }) => id));
  }
  return changed;
}
