import type { Transaction } from "@millrace/database";
import { sql } from "kysely";
import { hintsOf } from "../brokers/hint.ts";
import { ownStream, publishEvents } from "../events/append-events.ts";
import type { NewEvent } from "../events/append-events.ts";
import type { StoredEvent } from "../events/event.ts";
import { fairShares } from "../jobs/fair-share.ts";
import { transitionOf } from "../jobs/transition.ts";
import type { TellingJob } from "../jobs/transition.ts";
import type { TaskRegistry } from "../tasks/task-registry.ts";
import type { WriteScope } from "../write-scope.ts";
import { askLimitKeys } from "./ask-limit-keys.ts";
import type { Joining } from "./nodes.ts";
import type { ReachedNode } from "./release.ts";

type Released = TellingJob & {
  readonly state: "queued" | "scheduled";
  readonly seq: number;
  readonly at_ms: number;
};

/**
 * Puts blocked jobs in line, with `given`, JSON text, as their inputs or under the keys that they name. The
 * time for which they may wait begins now. The process need not know their tasks; where it does, what their
 * limits count by is asked for the new input.
 */
export async function releaseJobs(
  scope: WriteScope,
  { parts }: Joining,
  nodes: readonly ReachedNode[],
  given: string,
): Promise<void> {
  const jobs = nodes.flatMap(({ job_id, takes, takes_key }) =>
    job_id === null ? [] : [{ id: job_id, takes, key: takes_key }],
  );
  if (jobs.length === 0) return;
  const taking = jobs.filter(({ takes }) => takes !== "nothing");
  await giveInputs(scope.transaction, taking, given);
  await countByInput(
    scope.transaction,
    parts.registry,
    taking.map(({ id }) => id),
  );
  const released = await putInLine(
    scope.transaction,
    jobs.map(({ id }) => id),
  );
  scope.afterCommit(() => {
    if (parts.bus.hasEventListeners) tellEvents(parts.bus, released);
    for (const job of released) parts.bus.publishTransition(transitionOf("unblocked", job, job.state));
    const ready = released.filter(({ state }) => state === "queued");
    for (const hint of hintsOf(ready)) parts.broker.announce(hint);
  });
}

type TakingJob = { readonly id: string; readonly takes: string; readonly key: string | null };

async function giveInputs(
  transaction: Transaction,
  jobs: readonly TakingJob[],
  given: string,
): Promise<void> {
  if (jobs.length === 0) return;
  await sql`
    UPDATE job_payload SET input = CASE taking.takes WHEN 'all' THEN given.value
      ELSE job_payload.input || jsonb_build_object(taking.key, given.value) END
    FROM unnest(${jobs.map(({ id }) => id)}::uuid[], ${jobs.map(({ takes }) => takes)}::text[],
                ${jobs.map(({ key }) => key)}::text[]) AS taking (job_id, takes, key),
      (SELECT ${given}::jsonb AS value) AS given
    WHERE job_payload.job_id = taking.job_id`.execute(transaction);
}

async function countByInput(
  transaction: Transaction,
  registry: TaskRegistry,
  ids: readonly string[],
): Promise<void> {
  const limited = registry.tasks().filter(({ limitKey }) => limitKey !== undefined);
  if (limited.length === 0 || ids.length === 0) return;
  const found = await sql<{ id: string; task: string; task_version: number; input: unknown }>`
    SELECT job.id, job.task, job.task_version, job_payload.input
    FROM job JOIN job_payload ON job_payload.job_id = job.id
    WHERE job.id = ANY(${[...ids]}::uuid[]) AND job.task = ANY(${limited.map(({ name }) => name)}::text[])`.execute(
    transaction,
  );
  const asked = found.rows.map(({ id, task, task_version, input }) => ({
    id,
    task: registry.findTask(task, task_version),
    input,
  }));
  const limitKeys = await askLimitKeys(transaction, asked);
  const keyed = asked.flatMap(({ id }, nth) => {
    const limitKey = limitKeys[nth] ?? null;
    return limitKey === null ? [] : [{ id, limitKey }];
  });
  if (keyed.length === 0) return;
  await sql`
    UPDATE job SET limit_key = given.limit_key
    FROM unnest(${keyed.map(({ id }) => id)}::uuid[], ${keyed.map(({ limitKey }) => limitKey)}::text[])
      AS given (id, limit_key)
    WHERE job.id = given.id`.execute(transaction);
}

async function putInLine(transaction: Transaction, ids: readonly string[]): Promise<readonly Released[]> {
  const released = await sql<Released>`
    WITH placed AS MATERIALIZED (
      SELECT id, queue, priority, owner, row_number() OVER (ORDER BY id) AS nth
      FROM (SELECT * FROM job WHERE id = ANY(${[...ids]}::uuid[]) AND state = 'blocked' ORDER BY id FOR UPDATE) AS waiting
    ), ${fairShares(sql`placed`)}, moved AS (
      UPDATE job SET state = CASE WHEN node.delay_ms > 0 THEN 'scheduled' ELSE 'queued' END,
             reason = CASE WHEN node.delay_ms > 0 THEN 'delay' END, fair = share.fair,
             run_at = now() + node.delay_ms * interval '1 millisecond',
             expires_at = now() + (node.delay_ms + node.expires_ms) * interval '1 millisecond',
             event_seq = event_seq + 1
      FROM share JOIN workflow_node AS node ON node.job_id = share.id
      WHERE job.id = share.id
      RETURNING job.id, job.task, job.queue, job.owner, job.attempt, job.state, job.event_seq AS seq,
        (extract(epoch FROM now()) * 1000)::double precision AS at_ms
    ), told AS (
      INSERT INTO event (stream, seq, type, data, at)
      SELECT 'job:' || id, seq, 'job.queued', jsonb_build_object('job_id', id, 'message', ${waiting}::text), now() FROM moved
    )
    SELECT * FROM moved ORDER BY id`.execute(transaction);
  return released.rows;
}

const waiting = "Waiting for a worker";

function tellEvents(bus: Joining["parts"]["bus"], released: readonly Released[]): void {
  const events: NewEvent[] = [];
  const stored: StoredEvent[] = [];
  for (const { id, owner, seq, at_ms } of released) {
    const stream = ownStream(id);
    if (!bus.admit(stream, owner)) continue;
    const type = "job.queued";
    const data = { job_id: id, message: waiting };
    events.push({ stream, owner, type, data });
    stored.push({ stream, seq, type, data, at: new Date(at_ms).toISOString() });
  }
  publishEvents(bus, events, stored);
}
