import { jsonb } from "@millrace/database";
import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type { ClaimRequest } from "../jobs/claim.ts";

/** Where a job stands among those that could start. */
export type Place = {
  readonly id: string;
  readonly priority: number;
  readonly fair: number;
  /** In seconds, so that not even a microsecond is lost: a Date keeps milliseconds. */
  readonly run_at_seconds: number;
};

/** A job that is locked and could start. */
export type LockedCandidate = Place & {
  readonly task: string;
  readonly limit_key: string | null;
  readonly parked_by: string | null;
};

/** `best`: priority, fair share, due time. `oldest`: due time alone. */
export type ClaimChoice = "best" | "oldest";
/** Which of the jobs of a queue are looked at, and in what order. */
export type CandidateRequest = Pick<ClaimRequest, "queue" | "taskKeys"> & { readonly choice: ClaimChoice };

const place = sql`job.id, job.priority, job.fair,
  extract(epoch FROM job.run_at)::double precision AS run_at_seconds`;
const candidate = sql`${place}, job.task, job.limit_key, job.parked_by`;

/** What this worker may take of a queue, whether it is queued or stands in a line. */
export function isOurs({ queue, taskKeys }: CandidateRequest): RawBuilder<unknown> {
  return sql`job.queue = ${queue} AND job.task || '@' || job.task_version = ANY(${[...taskKeys]}::text[])
    AND (job.expires_at IS NULL OR job.expires_at > now())`;
}

/**
 * Locks the first `count` queued jobs of a queue, passing over those that others have locked, as the plain
 * claim does: `next_jobs`, migration 5.
 */
export async function lockQueued(
  transaction: Transaction,
  { queue, taskKeys, choice }: CandidateRequest,
  count: number,
): Promise<readonly LockedCandidate[]> {
  const found = await sql<LockedCandidate>`
    SELECT ${candidate}
    FROM next_jobs(${queue}, ${[...taskKeys]}::text[], ${count}, ${choice === "oldest"}) AS next (id)
    JOIN job ON job.id = next.id`.execute(transaction);
  return found.rows;
}

/**
 * Locks the first jobs of lines that this worker may take, so many of each, passing over those that
 * others have locked. With the choice `oldest`, so many of each priority: within one the fair share lets
 * nobody starve, so the job that waits longest is among the first of the ten. Uses job_parked.
 */
export async function lockHeads(
  transaction: Transaction,
  request: CandidateRequest,
  lines: readonly { readonly key: string; readonly count: number }[],
): Promise<readonly LockedCandidate[]> {
  if (lines.length === 0) return [];
  const found = await sql<LockedCandidate>`
    SELECT head.* FROM jsonb_to_recordset(${jsonb(lines)}) AS line (key text, count integer)
    CROSS JOIN ${levels[request.choice]} CROSS JOIN LATERAL (
      SELECT ${candidate} FROM job ${inLine(request)} LIMIT line.count FOR UPDATE OF job SKIP LOCKED
    ) AS head`.execute(transaction);
  return found.rows;
}

/** The place of the first job of each row called `line`, for a LATERAL; locks nothing. */
export function firstOfLine(request: CandidateRequest): RawBuilder<unknown> {
  return sql`
    SELECT head.* FROM ${levels[request.choice]} CROSS JOIN LATERAL (
      SELECT ${place} FROM job ${inLine(request)} LIMIT 1
    ) AS head ORDER BY head.run_at_seconds, head.id LIMIT 1`;
}

const levels = {
  best: sql`(VALUES (NULL::integer)) AS level (priority)`,
  oldest: sql`generate_series(0, 9) AS level (priority)`,
} satisfies Record<ClaimChoice, RawBuilder<unknown>>;

const lineOrder = {
  best: sql`ORDER BY job.priority DESC, job.fair, job.run_at, job.id`,
  oldest: sql`AND job.priority = level.priority ORDER BY job.fair, job.run_at, job.id`,
} satisfies Record<ClaimChoice, RawBuilder<unknown>>;

function inLine(request: CandidateRequest): RawBuilder<unknown> {
  return sql`WHERE job.parked_by = line.key AND ${isOurs(request)} ${lineOrder[request.choice]}`;
}

/** Negative when the left job goes before the right one. */
export function comparePlaces(choice: ClaimChoice): (left: Place, right: Place) => number {
  const byAge = (left: Place, right: Place): number =>
    left.run_at_seconds - right.run_at_seconds || (left.id < right.id ? -1 : 1);
  if (choice === "oldest") return byAge;
  return (left, right) => right.priority - left.priority || left.fair - right.fair || byAge(left, right);
}
