import type { Database } from "@millrace/database";
import { sql } from "kysely";
import type { Broker } from "../brokers/broker.ts";
import { withWriteScope } from "../write-scope.ts";
import type { WriteScope } from "../write-scope.ts";
import { endAttempt } from "./end-attempt.ts";
import { endJob } from "./end-job.ts";
import type { EndingParts } from "./end-job.ts";
import type { LockedJob } from "./job-row.ts";
import { lockJob } from "./lock-job.ts";
import { requeueJob } from "./requeue.ts";

export type ReapParts = EndingParts & { readonly database: Database; readonly broker: Broker };

/**
 * Takes back jobs whose worker has died, and returns how many. `expired_leases`: those whose lease
 * ran out. `all_running`: every running job, only when the folder lock proves that no other process
 * lives. Each job is checked again under its lock: one that ended or beat in the meantime is left.
 */
export async function reapJobs(parts: ReapParts, which: "expired_leases" | "all_running"): Promise<number> {
  const condition = which === "all_running" ? sql`true` : sql`lease_until < now()`;
  const found = await sql<{ id: string; fence: number }>`
    SELECT id, fence FROM job WHERE state = 'running' AND ${condition} ORDER BY id LIMIT 500`.execute(
    parts.database.queryable,
  );
  let reaped = 0;
  for (const { id, fence } of found.rows) {
    const isTaken = await withWriteScope(parts.database, async (scope) => {
      const job = await lockJob(scope.transaction, id);
      const isStill = job !== undefined && job.state === "running" && job.fence === fence;
      if (!isStill || (which === "expired_leases" && !(await hasExpiredLease(scope, id)))) return false;
      await takeBack(scope, parts, job);
      return true;
    });
    if (isTaken) reaped++;
  }
  return reaped;
}

async function hasExpiredLease(scope: WriteScope, id: string): Promise<boolean> {
  const found = await sql`SELECT 1 FROM job WHERE id = ${id} AND lease_until < now()`.execute(
    scope.transaction,
  );
  return found.rows.length > 0;
}

/**
 * The job may merely have shared the process that died, so nothing is counted: it runs alone next,
 * where a crash is certainly its own (`recordCrashAlone`).
 */
async function takeBack(scope: WriteScope, parts: ReapParts, job: LockedJob): Promise<void> {
  await endAttempt(scope.transaction, job, "crashed", { code: "worker_died", message: "The worker died." });
  if (job.is_cancel_requested) return await endJob(scope, parts, job, { state: "cancelled" });
  await requeueJob(scope, parts, job, { why: "crashed", crashCount: job.crash_count });
}
