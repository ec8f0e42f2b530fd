import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import type { Broker } from "../brokers/broker.ts";
import type { EventBus } from "../events/event-bus.ts";
import { withWriteScope } from "../write-scope.ts";
import { endJob } from "./end-job.ts";
import type { EndingParts } from "./end-job.ts";
import { isTerminal } from "@millrace/contracts";
import { jobChanged } from "./enqueue.ts";
import { lockJob } from "./lock-job.ts";

/** Moves scheduled jobs whose time has come to their queues, oldest first, at most 500 a call. */
export async function promoteDueJobs(parts: {
  readonly database: QueryAccess;
  readonly broker: Broker;
  readonly bus: EventBus;
}): Promise<number> {
  const moved = await sql<{ id: string; owner: string | null; queue: string }>`
    UPDATE job SET state = 'queued', reason = NULL
    WHERE id IN (SELECT id FROM job WHERE state = 'scheduled' AND run_at <= now()
                 ORDER BY run_at LIMIT 500 FOR UPDATE SKIP LOCKED)
    RETURNING id, owner, queue`.execute(parts.database.queryable);
  for (const { id, owner } of moved.rows) parts.bus.publishNotice(jobChanged(id, owner, "queued"));
  for (const queue of new Set(moved.rows.map((row) => row.queue))) parts.broker.announce(queue);
  return moved.rows.length;
}

/** Ends jobs that were not started in time, at most 100 a call. */
export async function expireJobs(parts: EndingParts & { readonly database: QueryAccess }): Promise<number> {
  const found = await sql<{ id: string }>`
    SELECT id FROM job WHERE expires_at <= now() AND state IN ('blocked', 'scheduled', 'queued', 'waiting')
    ORDER BY expires_at LIMIT 100`.execute(parts.database.queryable);
  for (const { id } of found.rows) {
    await withWriteScope(parts.database, async (scope) => {
      const job = await lockJob(scope.transaction, id);
      if (job === undefined || job.state === "running" || isTerminal(job.state)) return;
      await endJob(scope, parts, job, { state: "expired" });
    });
  }
  return found.rows.length;
}
