import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import { fairShares } from "../jobs/fair-share.ts";
import type { PlannedJob } from "./compile.ts";

export type MemberJob = PlannedJob & {
  /** It may start; others are blocked until what goes before them has ended. */
  readonly isReady: boolean;
};

export type MemberOptions = {
  /** Null for a job that follows the workflow's end. */
  readonly workflowId: string | null;
  readonly owner: string | null;
  readonly tags: readonly string[];
  /** JSON text. */
  readonly meta: string;
  readonly traceParent: string | null;
};

/** Arguments of one statement, in rows. */
const batchSize = 5_000;

/**
 * Writes jobs with their inputs, in batches. Unlike `enqueueJobs` it asks nothing about keys: what is unique
 * about a member is the workflow. Those that may start take their places in their owner's line.
 */
export async function writeMembers(
  transaction: Transaction,
  jobs: readonly MemberJob[],
  options: MemberOptions,
): Promise<void> {
  for (let from = 0; from < jobs.length; from += batchSize) {
    await writeBatch(transaction, jobs.slice(from, from + batchSize), options);
  }
}

async function writeBatch(
  transaction: Transaction,
  jobs: readonly MemberJob[],
  { workflowId, owner, tags, meta, traceParent }: MemberOptions,
): Promise<void> {
  const each = <Value>(value: (job: MemberJob) => Value): Value[] => jobs.map(value);
  await sql`
    WITH given AS MATERIALIZED (
      SELECT given.*, ${owner}::text AS owner FROM unnest(
        ${each(({ id }) => id)}::uuid[], ${each(({ task }) => task)}::text[], ${each(({ version }) => version)}::integer[],
        ${each(({ queue }) => queue)}::text[], ${each(({ priority }) => priority)}::smallint[],
        ${each(({ retries }) => retries)}::integer[], ${each(({ expiresInMs }) => expiresInMs)}::double precision[],
        ${each(({ delayMs }) => delayMs)}::double precision[], ${each(({ limitKey }) => limitKey)}::text[],
        ${each(({ input }) => input)}::text[], ${each(({ isReady }) => isReady)}::boolean[]
      ) WITH ORDINALITY AS given (id, task, version, queue, priority, retries, expires_ms, delay_ms, limit_key, input,
                                  is_ready, nth)
    ), placed AS MATERIALIZED (
      SELECT id, queue, priority, owner, nth FROM given WHERE is_ready
    ), ${fairShares(sql`placed`)}, fresh AS (
      INSERT INTO job (id, queue, task, task_version, owner, stream, state, reason, priority, fair, run_at, expires_at,
                       max_attempts, retries, limit_key, workflow_id, event_seq)
      SELECT given.id, given.queue, task, version, owner, 'job:' || given.id,
             CASE WHEN NOT is_ready THEN 'blocked' WHEN delay_ms > 0 THEN 'scheduled' ELSE 'queued' END,
             CASE WHEN is_ready AND delay_ms > 0 THEN 'delay' END, given.priority, coalesce(share.fair, 0),
             now() + CASE WHEN is_ready THEN delay_ms ELSE 0 END * interval '1 millisecond',
             CASE WHEN is_ready THEN now() + (delay_ms + expires_ms) * interval '1 millisecond' END, retries + 1,
             retries, limit_key, ${workflowId}::uuid, CASE WHEN is_ready THEN 1 ELSE 0 END
      FROM given LEFT JOIN share ON share.id = given.id
    )
    INSERT INTO job_payload (job_id, owner, input, meta, tags, trace_parent)
    SELECT id, owner, input::jsonb, ${meta}::jsonb, ${[...tags]}::text[], ${traceParent} FROM given`.execute(
    transaction,
  );
}
