import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import type { Announcer } from "../brokers/broker.ts";
import { hintsOf } from "../brokers/hint.ts";
import { commit } from "../crash-point.ts";
import type { EventBus } from "../events/event-bus.ts";
import { answerAtExpiry } from "../waiting/answer-job.ts";
import { withWriteScope } from "../write-scope.ts";
import { endsHere } from "./ends-here.ts";
import { endJob } from "./end-job.ts";
import type { EndingParts } from "./end-job.ts";
import { comebackPlace, fairShares } from "./fair-share.ts";
import { lockFreeJob } from "./lock-job.ts";
import { transitionOf } from "./transition.ts";
import type { TellingJob } from "./transition.ts";
import { tryWithoutHook } from "./try-without-hook.ts";

/** Moved by one statement, so that its locks are held for milliseconds. */
const promotedAtOnce = 500;
/** Moved by one call, a second or two: other upkeep has its turn too. */
const mostPromoted = 20_000;

type PromoteParts = {
  readonly database: QueryAccess;
  readonly broker: Announcer;
  readonly bus: EventBus;
};

/**
 * Moves scheduled jobs whose time has come to their queues, oldest first, and returns how many, and whether more of
 * them may be due. Those that were enqueued for later take their place in their owner's line now; one that had its
 * turn comes back to it (`comebackPlace`). The signal ends the work after the statement at hand.
 */
export async function promoteDueJobs(
  parts: PromoteParts,
  signal?: AbortSignal,
): Promise<{ readonly moved: number; readonly hasMore: boolean }> {
  for (let moved = 0; ;) {
    const count = await promoteSome(parts);
    moved += count;
    const hasMore = count === promotedAtOnce;
    if (!hasMore || moved >= mostPromoted || signal?.aborted) return { moved, hasMore };
  }
}

async function promoteSome({ database, bus, broker }: PromoteParts): Promise<number> {
  const statement = sql<TellingJob>`
    WITH placed AS MATERIALIZED (
      SELECT id, queue, priority, owner, row_number() OVER (ORDER BY CASE WHEN reason <> 'delay' THEN fair END, run_at, id) AS nth
      FROM (SELECT * FROM job WHERE state = 'scheduled' AND parked_by IS NULL AND run_at <= now()
            ORDER BY run_at LIMIT ${sql.lit(promotedAtOnce)} FOR UPDATE SKIP LOCKED) AS due
    ), ${fairShares(sql`placed`)}
    UPDATE job SET state = 'queued', reason = NULL, fair = CASE reason WHEN 'delay' THEN share.fair ELSE ${comebackPlace} END
    FROM share WHERE job.id = share.id
    RETURNING job.id, task, queue, owner, attempt`;
  const moved = await commit("promote", () => statement.execute(database.queryable));
  for (const job of moved.rows) bus.publishTransition(transitionOf("due", job, "queued"));
  for (const hint of hintsOf(moved.rows)) broker.announce(hint);
  return moved.rows.length;
}

const batchSize = 100;
/** Jobs that could not be ended before the rest waits for the next call. */
const maxLeft = 1000;
/** One call takes no longer, or other upkeep would wait for minutes after a pause of a long line... */
const longMs = 2_000;
/** ...but ends so many at least: hooks that fail slowly, the same at each call, must not keep all others. */
const fewestExpired = 100;

const isLate = sql`
  job.expires_at <= now() AND job.state IN ('blocked', 'scheduled', 'queued', 'waiting')`;

/**
 * Ends jobs that were not started in time, and returns how many, and whether more of them may be late: it stops
 * after some seconds, since other upkeep has its turn too. One whose row is locked is left for
 * the next call. One whose hook refuses its end for good ends without it; one that can't be ended for now does
 * not keep the others. The first failure of either kind is thrown in the end. A job of a task that does not
 * run here is left for a day to processes where it does. The signal ends the work after the job at hand.
 */
export async function expireJobs(
  parts: EndingParts & { readonly database: QueryAccess },
  signal?: AbortSignal,
): Promise<{ readonly expired: number; readonly hasMore: boolean }> {
  const startedMs = performance.now();
  const isOurs = endsHere(parts.registry, sql`job.expires_at`);
  const failures: unknown[] = [];
  const left: string[] = [];
  let expired = 0;
  const isOver = (): boolean =>
    signal?.aborted === true || (expired >= fewestExpired && performance.now() - startedMs > longMs);
  let hasMore = true;
  while (hasMore && left.length < maxLeft && !isOver()) {
    const found = await sql<{ id: string }>`
      SELECT id FROM job WHERE ${isLate} AND ${isOurs} AND id <> ALL(${left}::uuid[])
      ORDER BY expires_at LIMIT ${batchSize}`.execute(parts.database.queryable);
    for (const { id } of found.rows) {
      if (isOver()) break;
      const fail = (error: unknown): void => void failures.push(error);
      const hasEnded = await tryWithoutHook(parts, (by) => expireJob(by, id), fail).catch(fail);
      if (hasEnded) expired++;
      else left.push(id);
    }
    hasMore = found.rows.length === batchSize || isOver();
  }
  if (failures.length > 0) throw failures[0];
  return { expired, hasMore };
}

function expireJob(parts: EndingParts & { readonly database: QueryAccess }, id: string): Promise<boolean> {
  return withWriteScope(
    parts.database,
    async (scope) => {
      const job = await lockFreeJob(scope.transaction, id, isLate);
      if (job === undefined) return false;
      if (job.state === "waiting" && (await answerAtExpiry(scope, parts, job))) return true;
      await endJob(scope, parts, job, { state: "expired" });
      return true;
    },
    "expire",
  );
}
