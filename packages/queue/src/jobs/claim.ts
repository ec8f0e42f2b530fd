import { jsonText } from "@millrace/database";
import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import { commit } from "../crash-point.ts";
import { ownStream } from "../events/append-events.ts";
import type { ClaimedJob } from "./job-row.ts";

export type ClaimRequest = {
  readonly queue: string;
  /** `name@version` of the tasks this worker runs; jobs of others stay queued. */
  readonly taskKeys: readonly string[];
  readonly limit: number;
  readonly worker: { readonly id: string; readonly name: string };
  readonly leaseMs: number;
  /** So many of them by due time alone; the others by priority, fair share, due time. At most `limit`. */
  readonly oldest: number;
  /** So many, beside the oldest, are what another claim of this worker is about to take from the same place. */
  readonly beside?: number;
};

/** Where a claim ended, for the next one of the same queue: the database's own. */
export type ClaimPlace = { readonly best: object | null; readonly oldest: object | null };

export type ClaimedJobs = {
  readonly jobs: readonly ClaimedJob[];
  /** Undefined of no jobs. */
  readonly place: ClaimPlace | undefined;
};

/**
 * Takes up to `limit` due jobs of one queue for this worker, in one call. One queue at a time:
 * with a list of queues every queued row would be sorted. Two workers never get the same job, and
 * nobody gets one of a queue that is paused.
 *
 * `from` is the place where an earlier claim ended: jobs behind it are taken, unless more urgent ones have come, and
 * from the head of the queue what is missing then. Jobs of the same priority that have come before that place since
 * are left for a claim from the head. SQL: `claim_jobs_onward`, migration 34.
 */
export async function claimJobs(
  database: QueryAccess,
  request: ClaimRequest,
  from?: ClaimPlace,
): Promise<ClaimedJobs> {
  const { queue, taskKeys, limit, oldest, worker, leaseMs, beside } = request;
  const place = from === undefined || beside === undefined ? from : { ...from, beside };
  const statement = sql<BriefJob>`
    SELECT * FROM claim_jobs_onward(${queue}, ${[...taskKeys]}::text[], ${limit}, ${oldest}, ${worker.id}::uuid,
      ${leaseMs}::double precision, ${place === undefined ? null : jsonText(place)}::jsonb)`;
  const answer = await commit("claim", () => statement.execute(database.queryable));
  // Taken out of it: the driver's answer stays for several small collections, each of which would copy what it holds.
  const rows = answer.rows.splice(0);
  const reached = rows.find((row) => row.place !== null)?.place ?? undefined;
  return { jobs: inOrder(rows.map((row) => claimedJob(queue, row))), place: reached };
}

/** A claimed job without its queue, and with null for what is as usual. */
type BriefJob = Omit<ClaimedJob, "queue" | Usual> & {
  readonly [Column in Usual]: ClaimedJob[Column] | null;
} & {
  /** With the last that was taken, else null. */
  readonly place: ClaimPlace | null;
};
type Usual = "task_version" | "stream" | "attempt" | "fence" | "runs_alone" | "priority";

/** Field by field, and so with the same fields in the same order: made for every job. */
function claimedJob(queue: string, row: BriefJob): ClaimedJob {
  return {
    id: row.id,
    queue,
    task: row.task,
    task_version: row.task_version ?? 1,
    owner: row.owner,
    stream: row.stream ?? ownStream(row.id),
    attempt: row.attempt ?? 1,
    max_attempts: row.max_attempts,
    fence: row.fence ?? 1,
    runs_alone: row.runs_alone ?? false,
    priority: row.priority ?? 5,
    limit_key: row.limit_key,
    workflow_id: row.workflow_id,
    wait_ms: row.wait_ms,
    trace_parent: row.trace_parent,
    input: row.input,
  };
}

/** As they are to be started: the order of what UPDATE returns is nobody's promise. */
export function inOrder(claimed: readonly ClaimedJob[]): ClaimedJob[] {
  return claimed.toSorted((left, right) => right.priority - left.priority || (left.id < right.id ? -1 : 1));
}

/** Reading past fewer jobs than this is quick: if a claim was slow, it was something else. */
const manyJobs = 1000;

/** Whether so many jobs stand first in a queue that are of tasks not among these. */
export async function isBlockedByUnknown(
  database: QueryAccess,
  request: Pick<ClaimRequest, "queue" | "taskKeys">,
): Promise<boolean> {
  const found = await sql<{ is_blocked: boolean }>`
    SELECT count(*) = ${manyJobs} AS is_blocked FROM (
      SELECT task || '@' || task_version AS key FROM job
      WHERE queue = ${request.queue} AND state = 'queued' ORDER BY priority DESC, fair, run_at, id LIMIT ${manyJobs}
    ) AS first WHERE key <> ALL(${[...request.taskKeys]}::text[])`.execute(database.queryable);
  return found.rows[0]?.is_blocked ?? false;
}
