import type { QueryAccess, Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { Announcer } from "../brokers/broker.ts";
import { hintsOf } from "../brokers/hint.ts";
import type { EventBus } from "../events/event-bus.ts";
import { comebackPlace } from "../jobs/fair-share.ts";
import { transitionOf } from "../jobs/transition.ts";
import type { TellingJob } from "../jobs/transition.ts";
import { withWriteScope } from "../write-scope.ts";
import { limiterOf, taskOfKey } from "./limits.ts";
import type { LimitsOf } from "./limits.ts";
import { listLineKeys } from "./lines.ts";
import { telling } from "./parked-jobs.ts";
import { planSettings } from "./plan-settings.ts";

/** Lines looked at, and jobs let go, in one transaction. */
const batchSize = 1000;

type Parts = { readonly database: QueryAccess; readonly bus: EventBus; readonly broker: Announcer };

/**
 * Lets go the jobs that wait for a limit that is no more, and returns how many: to their queues, not
 * before the first that waits there. Jobs of limits that are claims take out of their lines themselves;
 * those of tasks that this process does not know (`limitsOf` gives undefined) stay. Waits for nobody: a
 * job that another transaction holds is left for the next call. The signal ends the work after the batch
 * at hand.
 */
export async function releaseParked(parts: Parts, limitsOf: LimitsOf, signal?: AbortSignal): Promise<number> {
  let count = 0;
  for (let after = ""; ;) {
    const batch = await withWriteScope(
      parts.database,
      async (scope) => {
        const released = await releaseBatch(scope.transaction, limitsOf, after);
        scope.afterCommit(() => announce(parts, released.jobs));
        return released;
      },
      "release_parked",
    );
    count += batch.jobs.length;
    if (batch.next === undefined || signal?.aborted) return count;
    after = batch.next;
  }
}

/** `next`: after which line to go on; undefined when all were looked at. */
async function releaseBatch(
  transaction: Transaction,
  limitsOf: LimitsOf,
  after: string,
): Promise<{ readonly jobs: readonly TellingJob[]; readonly next: string | undefined }> {
  await sql`SELECT ${planSettings}`.execute(transaction);
  const keys = await listLineKeys(transaction, after, batchSize);
  const next = keys.length === batchSize ? keys.at(-1) : undefined;
  const gone = keys.filter(
    (key) => limitsOf(taskOfKey(key)) !== undefined && limiterOf(key, limitsOf) === undefined,
  );
  if (gone.length === 0) return { jobs: [], next };
  const released = await sql<TellingJob>`
    UPDATE job SET state = 'queued', reason = NULL, parked_by = NULL, fair = ${comebackPlace}
    WHERE id IN (SELECT id FROM job WHERE parked_by = ANY(${gone}::text[]) LIMIT ${batchSize} FOR UPDATE SKIP LOCKED)
    RETURNING ${telling}`.execute(transaction);
  // The same lines again, until nothing is left in them.
  return { jobs: released.rows, next: released.rows.length === batchSize ? after : next };
}

function announce({ bus, broker }: Parts, jobs: readonly TellingJob[]): void {
  for (const job of jobs) bus.publishTransition(transitionOf("released", job, "queued"));
  for (const hint of hintsOf(jobs)) broker.announce(hint);
}
