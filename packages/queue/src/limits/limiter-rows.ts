import { jsonb } from "@millrace/database";
import type { QueryAccess, Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { commit } from "../crash-point.ts";
import { anyRunning } from "../jobs/any-running.ts";
import { isOurs } from "./candidates.ts";
import type { CandidateRequest } from "./candidates.ts";
import { bucketSize, refill } from "./token-bucket.ts";
import type { Limiter } from "./limits.ts";

/** What a limiter has, under its lock. */
export type LockedLimiter = {
  readonly limiter: Limiter;
  /** Refilled until the lock; undefined without a rate limit. */
  readonly tokens: number | undefined;
  /** May be negative after a limit was lowered; undefined without a concurrency limit. */
  readonly slots: number | undefined;
  /** See `Room.reserved`: of jobs that this worker may take, so that others are not waited for. */
  readonly reserved: readonly number[];
  /** When it was locked, by the database's clock, in seconds. */
  readonly lockedAtSeconds: number;
};

/** Limiters as rows of a FROM clause: key, task, limit_key, wider, burst, at_once. */
export function limiterRows(limiters: readonly Limiter[]): RawBuilder<unknown> {
  const rows = limiters.map(({ key, task, limitKey, wider, rateLimit, concurrency }) => ({
    key,
    task,
    limit_key: limitKey,
    wider,
    burst: rateLimit === undefined ? null : bucketSize(rateLimit),
    at_once: concurrency ?? null,
  }));
  return sql`jsonb_to_recordset(${jsonb(rows)})
    AS asked (key text, task text, limit_key text, wider text, burst double precision, at_once integer)`;
}

/** The jobs that run under a row of `limiterRows`; null where nothing is to be counted. Uses job_running. */
export const runningUnder = sql`
  CASE WHEN at_once IS NULL THEN NULL
    WHEN asked.limit_key IS NULL
      THEN (SELECT count(*) FROM job WHERE ${anyRunning} AND job.task = asked.task)
    ELSE (SELECT count(*) FROM job
          WHERE ${anyRunning} AND job.task = asked.task AND job.limit_key = asked.limit_key)
  END`;

/**
 * The priorities of the jobs that keep room of a row of `limiterRows`; more than there can be room for are
 * not read. Uses job_reserved.
 */
export function reservedUnder(request: CandidateRequest): RawBuilder<unknown> {
  return sql`
    ARRAY(SELECT job.priority::integer FROM job
          WHERE job.parked_by = asked.wider AND job.parked_by LIKE 'task:%' AND job.limit_key = asked.limit_key
            AND ${isOurs(request)}
          ORDER BY job.priority DESC LIMIT ceil(least(asked.at_once, asked.burst))::bigint)`;
}

/**
 * Locks limiters in the order of their keys, making those that are not there yet, and says what each
 * allows. Until the transaction ends nobody else starts a job under them. Waits for others who hold
 * them, never the other way round: who holds a limiter waits for no job. A bucket that was filled at a
 * time to come, because the clock was put back since, fills from now on.
 */
export async function lockLimiters(
  transaction: Transaction,
  request: CandidateRequest,
  limiters: readonly Limiter[],
): Promise<ReadonlyMap<string, LockedLimiter>> {
  if (limiters.length === 0) return new Map();
  // The clock is read when the lock is held: a time from before the wait for it would be filled in twice.
  const locked = await sql<{ key: string; tokens: number; age_seconds: number; at_seconds: number }>`
    INSERT INTO limiter (key, tokens, refilled_at, full_at)
    SELECT key, coalesce(burst, 0), clock_timestamp(), clock_timestamp() FROM ${limiterRows(limiters)} ORDER BY key
    ON CONFLICT (key) DO UPDATE SET refilled_at = least(limiter.refilled_at, clock_timestamp())
    RETURNING key, tokens, extract(epoch FROM clock_timestamp() - refilled_at)::double precision AS age_seconds,
      extract(epoch FROM clock_timestamp())::double precision AS at_seconds`.execute(transaction);
  const rows = new Map(locked.rows.map((row) => [row.key, row]));
  const counted = await countUnder(transaction, request, limiters);
  return new Map(
    limiters.flatMap((limiter) => {
      const { key, rateLimit, concurrency } = limiter;
      const row = rows.get(key);
      if (row === undefined) return [];
      const bucket = { tokens: row.tokens, ageSeconds: row.age_seconds };
      const tokens = rateLimit === undefined ? undefined : refill(bucket, rateLimit);
      const { running = 0, reserved = [] } = counted.get(key) ?? {};
      const slots = concurrency === undefined ? undefined : concurrency - running;
      return [[key, { limiter, tokens, slots, reserved, lockedAtSeconds: row.at_seconds }]];
    }),
  );
}

type Counted = { readonly running?: number; readonly reserved?: readonly number[] };

/** A statement of its own: only one that begins after the locks sees what others claimed before them. */
async function countUnder(
  transaction: Transaction,
  request: CandidateRequest,
  limiters: readonly Limiter[],
): Promise<ReadonlyMap<string, Counted>> {
  const counted = limiters.filter(({ concurrency, wider }) => concurrency !== undefined || wider !== null);
  if (counted.length === 0) return new Map();
  const found = await sql<{ key: string; running: number | null; reserved: readonly number[] }>`
    SELECT key, ${runningUnder} AS running, ${reservedUnder(request)} AS reserved
    FROM ${limiterRows(counted)}`.execute(transaction);
  return new Map(found.rows.map(({ key, running, reserved }) => [key, { running: running ?? 0, reserved }]));
}

export type TokensLeft = {
  readonly key: string;
  readonly tokens: number;
  readonly lockedAtSeconds: number;
  readonly fullAtSeconds: number;
};

/** Writes what is left in the buckets of locked limiters, by key. */
export async function storeTokens(transaction: Transaction, left: readonly TokensLeft[]): Promise<void> {
  if (left.length === 0) return;
  const rows = left.map(({ key, tokens, lockedAtSeconds, fullAtSeconds }) => ({
    key,
    tokens,
    at_seconds: lockedAtSeconds,
    full_at_seconds: fullAtSeconds,
  }));
  await sql`
    UPDATE limiter SET tokens = kept.tokens, refilled_at = to_timestamp(kept.at_seconds),
      full_at = to_timestamp(kept.full_at_seconds)
    FROM jsonb_to_recordset(${jsonb(rows)})
      AS kept (key text, tokens double precision, at_seconds double precision, full_at_seconds double precision)
    WHERE limiter.key = kept.key`.execute(transaction);
}

const pruneCount = 1000;

/**
 * Deletes limiters that have not been used for two days and whose buckets have been full as long, at the rate of
 * their last start, whoever knows their tasks: a new one's is full too. So many at once; `hasMore`: there may be
 * more. Waits for nobody; may be called at any time.
 */
export async function pruneLimiters(database: QueryAccess): Promise<{ readonly hasMore: boolean }> {
  const statement = sql`
    DELETE FROM limiter WHERE key IN (
      SELECT key FROM limiter WHERE greatest(full_at, refilled_at) < now() - interval '2 days'
      ORDER BY key LIMIT ${pruneCount} FOR UPDATE SKIP LOCKED)`;
  const deleted = await commit("prune", () => statement.execute(database.queryable));
  return { hasMore: Number(deleted.numAffectedRows ?? 0n) === pruneCount };
}
