import type { QueryAccess } from "@millrace/database";
import { sleep } from "@millrace/kernel";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { cancelLocked } from "../jobs/cancel.ts";
import type { CancelParts } from "../jobs/cancel.ts";
import { becameCancelled, findChangedAlong, isRelated, maxRelated } from "../jobs/changed-along.ts";
import { lockFreeJobs } from "../jobs/lock-job.ts";
import { firstId } from "../jobs/select-jobs.ts";
import { withWriteScope } from "../write-scope.ts";
import type { WriteScope } from "../write-scope.ts";
import { purgeCountMismatch, purgeNeedsQueue } from "./control-errors.ts";
import { allQueues, assertQueueName } from "./names.ts";

/** Few enough that the rows are locked for a fraction of a second. */
const batchSize = 100;
/** Jobs that could not be cancelled before the purge gives up. */
const maxFailures = 1000;
/** Rounds in which every job that is left was locked by others, and the wait between them. */
const maxIdleRounds = 10;
const idleMs = 200;

/** One state at a time: with a list of them no index of one state is of use. */
const states = ["queued", "scheduled"] as const;
type Purgeable = (typeof states)[number];

export type PurgeParts = CancelParts & { readonly database: QueryAccess };

export type PurgeOptions = {
  /** What the person was told there is: with another number nothing is done. Default: any number. */
  readonly expectedCount?: number;
  /** Only jobs of this task. Default: all. */
  readonly task?: string;
  /** Ends the purge after the batch at hand. */
  readonly signal?: AbortSignal;
  /** Called after each batch with how many have been cancelled so far. */
  readonly onProgress?: (cancelled: number) => void;
};

export type PurgeResult = {
  /** With those that ended because of another. */
  readonly cancelled: number;
  /** Jobs that stayed, because others kept them locked or the signal came. */
  readonly left: number;
};

type Asked = {
  readonly queue: string;
  readonly task: string | null;
  /** Jobs enqueued later than this are none of its business. As text: a Date would cut the microseconds. */
  readonly askedAt?: string;
};

type Purge = Asked & {
  /** Jobs whose end was refused, and why. */
  readonly failures: Map<string, unknown>;
  /** Those that may be cancelled along with others, and have not been cancelled themselves. */
  readonly related: Set<string>;
};

/**
 * Cancels what is queued or scheduled in a queue, as it was when this was called; running jobs go on. The
 * jobs end as `cancelled`, each as if a person had cancelled it, and are kept as such: nothing that was
 * accepted disappears. A job that can't be ended does not keep the others; the first such failure is
 * thrown in the end. Throws `invalid_queue_name`, `purge_needs_queue` for `*`, or `purge_count_mismatch` before anything is done.
 */
export async function purgeQueue(
  parts: PurgeParts,
  queue: string,
  options: PurgeOptions = {},
): Promise<PurgeResult> {
  assertPurgeable(queue);
  const task = options.task ?? null;
  const { count, asked_at } = await countPurgeable(parts.database, queue, task);
  const { expectedCount = count, signal } = options;
  if (count !== expectedCount) throw purgeCountMismatch(queue, expectedCount, count);
  const asked = { queue, task, askedAt: asked_at };
  const purge: Purge = {
    ...asked,
    failures: new Map(),
    related: await findRelated(parts.database, asked),
  };
  let cancelled = 0;
  for (let idleRounds = 0; idleRounds < maxIdleRounds;) {
    if (idleRounds > 0) await sleep(idleMs);
    if (signal?.aborted) break;
    const round = await purgeRound(parts, purge, (ended) => options.onProgress?.(cancelled + ended), signal);
    cancelled += round.cancelled;
    if (round.found === 0 || purge.failures.size >= maxFailures) break;
    idleRounds = round.cancelled > 0 ? 0 : idleRounds + 1;
  }
  for (const id of await findChangedAlong(parts.database, purge.related, becameCancelled)) {
    cancelled++;
    purge.failures.delete(id);
  }
  for (const failure of purge.failures.values()) throw failure;
  return { cancelled, left: await countLeft(parts.database, purge) };
}

/** Of those that there were. What has begun or ended meanwhile is not left, nor what is about to be cancelled. */
async function countLeft(database: QueryAccess, purge: Purge): Promise<number> {
  const counted = await sql<{ count: number }>`
    SELECT count(*) AS count
    FROM ${purgeable(purge, sql`NOT (${isRelated} AND ${becameCancelled})`)}`.execute(database.queryable);
  return counted.rows[0]?.count ?? 0;
}

/** What there is to purge, as rows of `job`. Reads what is queued there, and what is scheduled anywhere. */
function purgeable(asked: Asked, condition: RawBuilder<unknown> = sql`true`): RawBuilder<unknown> {
  const ofState = (state: Purgeable): RawBuilder<unknown> =>
    sql`SELECT * FROM job WHERE state = ${sql.lit(state)} AND ${isAsked(asked)} AND ${condition}`;
  return sql`(${sql.join(states.map(ofState), sql` UNION ALL `)}) AS job`;
}

function isAsked({ queue, task, askedAt = "infinity" }: Asked): RawBuilder<unknown> {
  return sql`(queue = ${queue} AND created_at <= ${askedAt}::timestamptz AND (${task}::text IS NULL OR task = ${task}))`;
}

/** Throws `invalid_queue_name`, or `purge_needs_queue` for `*`. */
export function assertPurgeable(queue: string): void {
  assertQueueName(queue);
  if (queue === allQueues) throw purgeNeedsQueue();
}

/** What is queued or scheduled there, or of one task there, and when that was. */
export async function countPurgeable(
  database: QueryAccess,
  queue: string,
  task: string | null,
): Promise<{ readonly count: number; readonly asked_at: string }> {
  const counted = await sql<{ count: number; asked_at: string }>`
    SELECT count(*) AS count, now()::text AS asked_at FROM ${purgeable({ queue, task })}`.execute(
    database.queryable,
  );
  return counted.rows[0] ?? { count: 0, asked_at: "-infinity" };
}

async function findRelated(database: QueryAccess, asked: Asked): Promise<Set<string>> {
  const found = await sql<{ id: string }>`
    SELECT id FROM ${purgeable(asked, isRelated)} LIMIT ${maxRelated}`.execute(database.queryable);
  return new Set(found.rows.map(({ id }) => id));
}

type Round = { readonly found: number; readonly cancelled: number };

type Place = { readonly id: string; readonly run_at: string };

const start: Place = { id: firstId, run_at: "-infinity" };

/** By job_claim_oldest and job_by_state. What a page before has passed is not read again. */
const order = {
  queued: {
    by: sql`job.run_at, job.id`,
    after: ({ id, run_at }: Place) => sql`(run_at, id) > (${run_at}::timestamptz, ${id}::uuid)`,
  },
  scheduled: { by: sql`job.id`, after: ({ id }: Place) => sql`id > ${id}::uuid` },
};

/** Goes once through the jobs in the order of an index; those that are locked are for the next round. */
async function purgeRound(
  parts: PurgeParts,
  purge: Purge,
  onProgress: (cancelled: number) => void,
  signal: AbortSignal | undefined,
): Promise<Round> {
  let [found, cancelled] = [0, 0];
  for (const state of states) {
    for (let after = start; ;) {
      if (signal?.aborted) break;
      const page = await findPurgeable(parts.database, purge, { state, after });
      const last = page.at(-1);
      if (last === undefined) break;
      after = last;
      found += page.length;
      const ids = page.map(({ id }) => id);
      cancelled += await cancelBatch(parts, purge, ids);
      onProgress(cancelled);
    }
  }
  return { found, cancelled };
}

async function findPurgeable(
  database: QueryAccess,
  purge: Purge,
  { state, after }: { readonly state: Purgeable; readonly after: Place },
): Promise<readonly Place[]> {
  const found = await sql<Place>`
    SELECT id, run_at::text AS run_at FROM job
    WHERE state = ${sql.lit(state)} AND ${isAsked(purge)} AND ${order[state].after(after)}
      AND id <> ALL(${[...purge.failures.keys()]}::uuid[])
    ORDER BY ${order[state].by} LIMIT ${batchSize}`.execute(database.queryable);
  return found.rows;
}

/** All in one transaction, or, when one of them can't be ended, each in its own. */
async function cancelBatch(parts: PurgeParts, purge: Purge, ids: readonly string[]): Promise<number> {
  try {
    return await cancelTogether(parts, purge, ids);
  } catch {
    // Whose failure it was comes out when it fails alone.
    let cancelled = 0;
    for (const id of ids) {
      cancelled += await cancelTogether(parts, purge, [id]).catch((error: unknown) => {
        purge.failures.set(id, error);
        return 0;
      });
    }
    return cancelled;
  }
}

async function cancelTogether(parts: PurgeParts, purge: Purge, ids: readonly string[]): Promise<number> {
  const isStill = sql`job.queue = ${purge.queue} AND job.state IN ('queued', 'scheduled')`;
  const work = async (scope: WriteScope): Promise<readonly string[]> => {
    const jobs = await lockFreeJobs(scope.transaction, ids, isStill);
    if (jobs.length > 0) await cancelLocked(scope, parts, jobs);
    return jobs.map(({ id }) => id);
  };
  const cancelled = await withWriteScope(parts.database, work, "purge");
  for (const id of cancelled) purge.related.delete(id);
  return cancelled.length;
}
