import type { QueryAccess, Transaction } from "@millrace/database";
import { toError } from "@millrace/kernel";
import { sql } from "kysely";
import { cancelLocked } from "../jobs/cancel.ts";
import type { CancelParts } from "../jobs/cancel.ts";
import type { LockedJob } from "../jobs/job-row.ts";
import { lockJobs } from "../jobs/lock-job.ts";
import { tryWithoutHook } from "../jobs/try-without-hook.ts";
import { mayPassLater } from "../worker/database-trouble.ts";
import { withWriteScope } from "../write-scope.ts";

export type StopParts = CancelParts & { readonly database: QueryAccess };

/** Few enough that their rows are locked for a moment. */
const batchSize = 500;

/** Jobs that are to be cancelled and have not been told. */
const toldNothing = sql`
  node.is_stopping AND node.state = 'running' AND node.job_id IS NOT NULL
  AND job.finished_at IS NULL AND job.cancel_requested_at IS NULL`;

/**
 * Cancels the members of a workflow that it wants stopped, in batches: those that do not run end now, running
 * ones are told. Whoever does it, and however often, comes to the same.
 */
export async function stopMembers(parts: StopParts, workflowId: string): Promise<void> {
  for (;;) {
    const found = await sql<{ id: string }>`
      SELECT job.id FROM workflow_node AS node JOIN job ON job.id = node.job_id
      WHERE node.workflow_id = ${workflowId} AND ${toldNothing} ORDER BY job.id LIMIT ${batchSize}`.execute(
      parts.database.queryable,
    );
    if (found.rows.length === 0) return;
    const ids = found.rows.map(({ id }) => id);
    try {
      await stop(parts, ids);
    } catch (error) {
      if (mayPassLater(error)) throw error;
      // A hook refuses one of them for good: that one ends without it, and keeps no other.
      const tell = (refusal: unknown): void => process.emitWarning(toError(refusal));
      for (const id of ids) await tryWithoutHook(parts, (by) => stop(by, [id]), tell);
    }
  }
}

async function stop(parts: StopParts, ids: readonly string[]): Promise<void> {
  await withWriteScope(
    parts.database,
    async (scope) => {
      const jobs = await lockJobs(scope.transaction, ids);
      const stopping = await findStopping(scope.transaction, jobs);
      await cancelLocked(
        scope,
        parts,
        jobs.filter(({ id }) => stopping.has(id)),
      );
    },
    "workflow_stop",
  );
}

/** Which of these locked jobs are still to be cancelled: others may have done it, and somebody retried them since. */
async function findStopping(
  transaction: Transaction,
  jobs: readonly LockedJob[],
): Promise<ReadonlySet<string>> {
  const found = await sql<{ id: string }>`
    SELECT job.id FROM workflow_node AS node JOIN job ON job.id = node.job_id
    WHERE job.id = ANY(${jobs.map(({ id }) => id)}::uuid[]) AND ${toldNothing}`.execute(transaction);
  return new Set(found.rows.map(({ id }) => id));
}

/** For the upkeep: what whoever decided it did not live to do. */
export async function stopAllMembers(parts: StopParts, signal?: AbortSignal): Promise<void> {
  const found = await sql<{ workflow_id: string }>`
    SELECT DISTINCT node.workflow_id FROM workflow_node AS node JOIN job ON job.id = node.job_id
    WHERE ${toldNothing} LIMIT 100`.execute(parts.database.queryable);
  for (const { workflow_id } of found.rows) {
    if (signal?.aborted) return;
    await stopMembers(parts, workflow_id);
  }
}
