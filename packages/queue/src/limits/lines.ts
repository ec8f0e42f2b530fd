import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { roomFor } from "./admit.ts";
import { firstOfLine } from "./candidates.ts";
import type { CandidateRequest, Place } from "./candidates.ts";
import { limiterRows, reservedUnder, runningUnder } from "./limiter-rows.ts";
import type { Limiter } from "./limits.ts";
import type { RateLimit } from "../tasks/rate-limit.ts";
import { nextTokenInMs, refill } from "./token-bucket.ts";

/** The jobs that wait for one limiter, as far as this worker may take them. Seen without a lock. */
export type Line = {
  readonly limiter: Limiter;
  /** Jobs like its first that may start now; 0 or less: none. */
  readonly room: number;
  /** When its rate allows the next start; undefined when it is not the rate that holds it. */
  readonly nextInMs: number | undefined;
  /** The place of its first job. */
  readonly head: Place;
};

/** The jobs of one queue that wait for one limiter. */
export type LineName = { readonly queue: string; readonly key: string };

/**
 * The lines in which jobs stand, of one queue or of all, in order, after the given one, at most `count`.
 * Steps from line to line on job_parked, so that one of 100,000 costs as much as one of two.
 */
export async function listLines(
  transaction: Transaction,
  after: LineName,
  { count, of }: { readonly count: number; readonly of: "queue" | "all" },
): Promise<readonly LineName[]> {
  const next = (queue: RawBuilder<unknown>, key: RawBuilder<unknown>) => sql`
    SELECT queue, parked_by FROM job WHERE parked_by IS NOT NULL AND (queue, parked_by) > (${queue}, ${key})
      AND ${of === "queue" ? sql`queue = ${after.queue}` : sql`true`} ORDER BY queue, parked_by LIMIT 1`;
  const found = await sql<LineName>`
    WITH RECURSIVE line (queue, key, nth) AS (
      SELECT first.*, 1 FROM (${next(sql`${after.queue}`, sql`${after.key}`)}) AS first
      UNION ALL
      SELECT following.*, nth + 1 FROM line CROSS JOIN LATERAL (${next(sql`line.queue`, sql`line.key`)}) AS following
      WHERE nth < ${count}
    )
    SELECT queue, key FROM line ORDER BY nth`.execute(transaction);
  return found.rows;
}

/** Of these limiters, those in whose lines jobs stand that this worker may take. */
export async function readLines(
  transaction: Transaction,
  request: CandidateRequest,
  limiters: readonly Limiter[],
): Promise<readonly Line[]> {
  if (limiters.length === 0) return [];
  type Row = Place & {
    key: string;
    running: number | null;
    reserved: readonly number[];
    tokens: number | null;
    age_seconds: number | null;
  };
  const found = await sql<Row>`
    SELECT line.*, first.*, limiter.tokens,
      extract(epoch FROM clock_timestamp() - limiter.refilled_at)::double precision AS age_seconds
    FROM (SELECT asked.key, ${runningUnder} AS running, ${reservedUnder(request)} AS reserved
          FROM ${limiterRows(limiters)}) AS line
    CROSS JOIN LATERAL (${firstOfLine(request)}) AS first
    LEFT JOIN limiter ON limiter.key = line.key`.execute(transaction);
  const byKey = new Map(limiters.map((limiter) => [limiter.key, limiter]));
  return found.rows.flatMap(({ key, running, reserved, tokens, age_seconds, ...head }) => {
    const limiter = byKey.get(key);
    if (limiter === undefined) return [];
    const bucket = { tokens: tokens ?? 0, ageSeconds: tokens === null ? Infinity : (age_seconds ?? 0) };
    const { concurrency, rateLimit } = limiter;
    const slots = concurrency === undefined ? undefined : concurrency - (running ?? 0);
    const { tokens: filled, nextInMs } = tokensIn(bucket, rateLimit);
    return [{ limiter, head, room: roomFor({ tokens: filled, slots, reserved }, head.priority), nextInMs }];
  });
}

function tokensIn(
  bucket: { readonly tokens: number; readonly ageSeconds: number },
  rateLimit: RateLimit | undefined,
): { readonly tokens: number | undefined; readonly nextInMs: number | undefined } {
  if (rateLimit === undefined) return { tokens: undefined, nextInMs: undefined };
  const tokens = refill(bucket, rateLimit);
  // Filled at a time to come: the clock was put back. A claim that tries puts that right.
  const tries = bucket.ageSeconds < 0 ? 1 : 0;
  return { tokens: Math.max(tokens, tries), nextInMs: nextTokenInMs(tokens, rateLimit) };
}
