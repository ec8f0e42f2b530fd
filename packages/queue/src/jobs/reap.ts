import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type { Announcer } from "../brokers/broker.ts";
import type { TaskRegistry } from "../tasks/task-registry.ts";
import { withWriteScope } from "../write-scope.ts";
import type { WriteScope } from "../write-scope.ts";
import { anyRunning } from "./any-running.ts";
import { endAttempt } from "./end-attempt.ts";
import { endsHere } from "./ends-here.ts";
import { endJob } from "./end-job.ts";
import type { EndingParts } from "./end-job.ts";
import type { LockedJob } from "./job-row.ts";
import { lockFreeJob } from "./lock-job.ts";
import { requeueJob } from "./requeue.ts";
import { firstId } from "./select-jobs.ts";
import { tryWithoutHook } from "./try-without-hook.ts";

/** Jobs looked at before the next are asked for: a bounded answer, however much was running. */
const batchSize = 500;

function conditionOf(which: Which, registry: TaskRegistry): RawBuilder<unknown> {
  if (which === "all_running") return sql`true`;
  if (which !== "expired_leases") {
    return sql`job.worker_id = ${which.unheldBy}
      AND job.claimed_at > now() - ${which.claimedWithinMs}::double precision * interval '1 millisecond'`;
  }
  // One whose cancel was asked for ends here, which may be for another process to do.
  return sql`job.lease_until < now()
    AND (job.cancel_requested_at IS NULL OR ${endsHere(registry, sql`job.lease_until`)})`;
}

export type ReapParts = EndingParts & { readonly database: QueryAccess; readonly broker: Announcer };

type Which = "expired_leases" | "all_running" | Unheld;

type Unheld = {
  readonly unheldBy: string;
  /** Earlier ones it held and has given up: they may go on here, and wait for their lease. */
  readonly claimedWithinMs: number;
  /** Of claims whose answer it had, and did not want. */
  readonly isStray: (claim: SeenJob) => boolean;
};

export type ReapOptions = {
  /** True for jobs to leave, because they run here. Default: none. */
  readonly isHeld?: (id: string) => boolean;
  /** Ends the work after the job at hand. */
  readonly signal?: AbortSignal;
  /** Told of each worker that jobs were taken back from, and how many. */
  readonly onLost?: (worker: { readonly id: string; readonly name: string }, jobs: number) => void;
};

/**
 * Takes back jobs whose worker has died, and returns how many. `expired_leases`: those whose lease
 * ran out; one that ends as cancelled, and whose task does not run here, is left for a day to processes
 * where it does. `all_running`: every running job, only when the folder lock proves that no other
 * process lives. `unheldBy`: those of a worker that lives and never began them; it leaves what it
 * holds by `isHeld`. Each job is checked again under its lock: one that ended or beat in the meantime is
 * left, and one whose row is locked is left for the next time. One whose hook refuses its end for good ends
 * without it; one that can't be taken back for now does not keep the others. The first failure of either kind is
 * thrown in the end.
 */
export async function reapJobs(parts: ReapParts, which: Which, options: ReapOptions = {}): Promise<number> {
  const condition = conditionOf(which, parts.registry);
  const failures: unknown[] = [];
  const lost = new Map<string, { readonly name: string; jobs: number }>();
  let reaped = 0;
  for (let after = firstId; ;) {
    const found = await sql<SeenJob>`
      SELECT job.id, job.fence, job.worker_id, coalesce(worker.name, 'unknown') AS worker_name,
        coalesce(worker.beat_at > job.lease_until, false) AS was_worker_heard
      FROM job LEFT JOIN worker ON worker.id = job.worker_id
      WHERE ${anyRunning} AND job.id > ${after} AND ${condition}
      ORDER BY job.id LIMIT ${batchSize}`.execute(parts.database.queryable);
    for (const seen of found.rows) {
      if (options.signal?.aborted) break;
      if (options.isHeld?.(seen.id)) continue;
      try {
        const isTaken = await tryWithoutHook(
          parts,
          (by) => reapJob(by, which, seen),
          (error) => failures.push(error),
        );
        if (!isTaken) continue;
        reaped++;
        const worker = lost.get(seen.worker_id) ?? { name: seen.worker_name, jobs: 0 };
        worker.jobs++;
        lost.set(seen.worker_id, worker);
      } catch (error) {
        failures.push(error);
      }
    }
    const last = found.rows.at(-1);
    if (last === undefined || found.rows.length < batchSize || options.signal?.aborted) break;
    after = last.id;
  }
  for (const [id, { name, jobs }] of lost) options.onLost?.({ id, name }, jobs);
  if (failures.length > 0) throw failures[0];
  return reaped;
}

type SeenJob = {
  readonly id: string;
  readonly fence: number;
  readonly worker_id: string;
  readonly worker_name: string;
  /** After the lease had ended. */
  readonly was_worker_heard: boolean;
};

function reapJob(parts: ReapParts, which: Which, seen: SeenJob): Promise<boolean> {
  const condition = conditionOf(which, parts.registry);
  return withWriteScope(
    parts.database,
    async (scope) => {
      const isStill = sql`job.state = 'running' AND job.fence = ${seen.fence} AND ${condition}`;
      const job = await lockFreeJob(scope.transaction, seen.id, isStill);
      if (job === undefined) return false;
      if (typeof which === "object")
        await handBack(scope, parts, job, which.isStray(seen) ? reasons.stray : reasons.lost);
      else await takeBack(scope, parts, job, seen.was_worker_heard ? reasons.silent : reasons.dead);
      return true;
    },
    "reap",
  );
}

type Reason = { readonly code: string; readonly message: string };

const reasons = {
  dead: { code: "worker_died", message: "The worker died." },
  silent: {
    code: "lease_expired",
    message: "The lease of the job ran out, although its worker was heard of after that.",
  },
  lost: { code: "claim_lost", message: "The answer that gave the job to its worker was lost." },
  stray: {
    code: "limit_not_known",
    message: "Its worker took the job before it knew that a limit holds there.",
  },
} satisfies Record<string, Reason>;

/**
 * The job may merely have shared the process that died, so nothing is counted: it runs alone next,
 * where a crash is certainly its own (`recordCrashAlone`).
 */
async function takeBack(scope: WriteScope, parts: ReapParts, job: LockedJob, error: Reason): Promise<void> {
  await endAttempt(scope.transaction, job, { outcome: "crashed", error });
  if (job.is_cancel_requested)
    return await endJob(scope, parts, job, { state: "cancelled", attempt: "crashed" });
  await requeueJob(scope, parts, job, { why: "crashed", crashCount: job.crash_count });
}

/** It was never begun: nobody knew of it, or it is a stray. */
async function handBack(scope: WriteScope, parts: ReapParts, job: LockedJob, error: Reason): Promise<void> {
  await endAttempt(scope.transaction, job, { outcome: "handed_back", error });
  if (job.is_cancel_requested)
    return await endJob(scope, parts, job, { state: "cancelled", attempt: "handed_back" });
  await requeueJob(scope, parts, job, { why: "handed_back", isBegun: false });
}
