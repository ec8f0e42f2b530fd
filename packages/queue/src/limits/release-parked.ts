import { jsonb } from "@millrace/database";
import type { QueryAccess, Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { Announcer } from "../brokers/broker.ts";
import { hintsOf } from "../brokers/hint.ts";
import type { EventBus } from "../events/event-bus.ts";
import { comebackPlace, fairShares } from "../jobs/fair-share.ts";
import { transitionOf } from "../jobs/transition.ts";
import type { TellingJob } from "../jobs/transition.ts";
import { withWriteScope } from "../write-scope.ts";
import { limiterOf, taskOfKey } from "./limits.ts";
import type { LimitsOf } from "./limits.ts";
import { listLines } from "./lines.ts";
import type { LineName } from "./lines.ts";
import type { LiveLimits } from "./live-limits.ts";
import { telling } from "./parked-jobs.ts";
import { planSettings } from "./plan-settings.ts";

/** Lines looked at, and jobs let go, in one transaction. */
const batchSize = 1000;
/** Let go or moved by one call, in some seconds; then there may be more: other upkeep has its turn too. */
export const mostReleased = 10_000;

type Parts = { readonly database: QueryAccess; readonly bus: EventBus; readonly broker: Announcer };

/** What this process knows of tasks. */
export type LinesKnown = Pick<LiveLimits, "limitsOf" | "queueOf">;

/**
 * Lets go the jobs that wait for a limit that is no more, and returns how many: to their queues, not
 * before the first that waits there. Jobs of limits that are claims take out of their lines themselves;
 * where their task has got another queue meanwhile they follow it, for claims of the former one look at no
 * lines any more. In a queue that a schedule of their task names they stay: `LiveLimits` has claims of it
 * look. Those of tasks that this process does not know stay. Ends after `mostReleased`, with those that
 * were moved. Waits for nobody: a job that another transaction holds is left for the next call. The signal
 * ends the work after the batch at hand.
 */
export async function releaseParked(parts: Parts, known: LinesKnown, signal?: AbortSignal): Promise<number> {
  let count = 0;
  let moved = 0;
  for (let after: LineName = { queue: "", key: "" }; ;) {
    const batch = await withWriteScope(
      parts.database,
      async (scope) => {
        const released = await releaseBatch(scope.transaction, known, after);
        scope.afterCommit(() => announce(parts, released));
        return released;
      },
      "release_parked",
    );
    count += batch.jobs.length;
    moved += batch.moved.length;
    if (batch.next === undefined || count + moved >= mostReleased || signal?.aborted) return count;
    after = batch.next;
  }
}

type Released = {
  readonly jobs: readonly TellingJob[];
  /** To the queues of their tasks, still in their lines. */
  readonly moved: readonly TellingJob[];
  readonly next: LineName | undefined;
};

/** `next`: after which line to go on; undefined when all were looked at. */
async function releaseBatch(transaction: Transaction, known: LinesKnown, after: LineName): Promise<Released> {
  const limitsOf: LimitsOf = (task) => known.limitsOf(task);
  await sql`SELECT ${planSettings}`.execute(transaction);
  const lines = await listLines(transaction, after, { count: batchSize, of: "all" });
  const gone = lines.filter(
    ({ key }) => limitsOf(taskOfKey(key)) !== undefined && limiterOf(key, limitsOf) === undefined,
  );
  const moved = await followTasks(transaction, known, lines);
  // The same lines again, until nothing is left to move or to let go.
  const further = lines.length === batchSize ? lines.at(-1) : undefined;
  const next = moved.length > 0 ? after : further;
  if (gone.length === 0) return { jobs: [], moved, next };
  const released = await sql<TellingJob>`
    WITH placed AS MATERIALIZED (
      SELECT id, queue, priority, owner, row_number() OVER (ORDER BY fair, run_at, id) AS nth FROM (
        SELECT waiting.* FROM jsonb_to_recordset(${jsonb(gone)}) AS line (queue text, key text) CROSS JOIN LATERAL (
          SELECT job.* FROM job WHERE job.queue = line.queue AND job.parked_by = line.key
          LIMIT ${batchSize} FOR UPDATE OF job SKIP LOCKED) AS waiting
        LIMIT ${batchSize}) AS gone
    ), ${fairShares(sql`placed`)}
    UPDATE job SET state = 'queued', reason = NULL, parked_by = NULL, fair = ${comebackPlace}
    FROM share WHERE job.id = share.id RETURNING ${telling}`.execute(transaction);
  return { jobs: released.rows, moved, next: released.rows.length === batchSize ? after : next };
}

/**
 * Puts parked jobs into the queues that their tasks have now, at most a batch at once: those of lines where
 * neither the task nor a schedule of it has jobs go. Schedules are read now: one may be new.
 */
async function followTasks(
  transaction: Transaction,
  known: LinesKnown,
  lines: readonly LineName[],
): Promise<readonly TellingJob[]> {
  const former = lines.flatMap(({ queue, key }) => {
    const task = taskOfKey(key);
    const to = known.queueOf(task);
    return to === undefined || to === queue ? [] : [{ queue, key, task, to }];
  });
  if (former.length === 0) return [];
  const strayed = await sql<{ id: string; queue: string }>`
    SELECT stray.id, line."to" AS queue
    FROM jsonb_to_recordset(${jsonb(former)}) AS line (queue text, key text, task text, "to" text)
    CROSS JOIN LATERAL (
      SELECT job.id FROM job WHERE job.queue = line.queue AND job.parked_by = line.key
        AND NOT EXISTS (SELECT FROM schedule WHERE schedule.task = line.task AND schedule.queue = line.queue)
      LIMIT ${batchSize} FOR UPDATE OF job SKIP LOCKED) AS stray
    LIMIT ${batchSize}`.execute(transaction);
  if (strayed.rows.length === 0) return [];
  const moved = await sql<TellingJob>`
    UPDATE job SET queue = stray.queue FROM jsonb_to_recordset(${jsonb(strayed.rows)}) AS stray (id uuid, queue text)
    WHERE job.id = stray.id RETURNING ${telling}`.execute(transaction);
  return moved.rows;
}

function announce({ bus, broker }: Parts, { jobs, moved }: Released): void {
  for (const job of jobs) bus.publishTransition(transitionOf("released", job, "queued"));
  for (const hint of hintsOf([...jobs, ...moved])) broker.announce(hint);
}
