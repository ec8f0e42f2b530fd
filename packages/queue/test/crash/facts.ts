/** Everything in the database that an invariant speaks of, read when all is at rest. */
import type { Database } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { z } from "zod";
import { findQueueProblems } from "../../src/index.ts";
import { findHeldOpen } from "./sessions.ts";

const milliseconds = z.number();

const schemas = {
  jobs: z.object({
    id: z.string(),
    name: z.string().nullable(),
    /** Of a workflow. */
    is_member: z.boolean(),
    parent: z.string().nullable(),
    task: z.string(),
    queue: z.string(),
    state: z.string(),
    stream: z.string(),
    attempt: z.number(),
    fence: z.number(),
    crash_count: z.number(),
    event_seq: z.number(),
    has_end_time: z.boolean(),
    /** A lease, a worker, or a limit that it waits for. */
    is_tied: z.boolean(),
    has_input: z.boolean(),
    has_result: z.boolean(),
    output_fence: z.number().nullable(),
    error_code: z.string().nullable(),
    logs: z.number(),
  }),
  attempts: z.object({
    job: z.string(),
    task: z.string().nullable(),
    fence: z.number(),
    attempt: z.number(),
    worker: z.string(),
    outcome: z.string().nullable(),
    error_code: z.string().nullable(),
    started_ms: milliseconds,
    finished_ms: milliseconds.nullable(),
  }),
  steps: z.object({
    job: z.string(),
    key: z.string(),
    state: z.string(),
    fence: z.number(),
    finished_ms: milliseconds.nullable(),
  }),
  streams: z.object({
    stream: z.string(),
    count: z.number(),
    first: z.number(),
    last: z.number(),
    /** The last number that was given, as its counter says. */
    counter: z.number().nullable(),
    queued: z.number(),
    ends: z.number(),
    logged: z.number(),
  }),
  /** Ends that were counted by task, and by queue; the first for a share, the others for good. */
  task_ends: z.object({ task: z.string(), state: z.string(), count: z.number() }),
  queue_ends: z.object({ queue: z.string(), state: z.string(), count: z.number() }),
  /** What rates have left. */
  limiters: z.object({ key: z.string(), tokens: z.number() }),
  counts: z.object({ queue: z.string(), state: z.string(), told: z.number(), real: z.number() }),
  /** Rows that belong to a job that is not there. */
  orphans: z.object({ place: z.string(), count: z.number() }),
  workers: z.object({ id: z.string(), name: z.string(), pid: z.number(), is_stopped: z.boolean() }),
  orders: z.object({ name: z.string(), job: z.string(), is_there: z.boolean() }),
  /** One for each row that was written. */
  ledger: z.object({ job: z.string(), fence: z.number(), price: z.number() }),
  /** Ends that the domain has heard of. */
  ends: z.object({ job: z.string(), state: z.string(), count: z.number() }),
  /** How often the second part of each has succeeded. */
  workflows: z.object({ name: z.string(), state: z.string(), bodies: z.number() }),
  /** What tables of the queue do not agree on. */
  problems: z.object({ check: z.string(), count: z.number(), examples: z.array(z.string()) }),
  /** Transactions and locks that are held although all is at rest, in words. */
  held_open: z.string(),
};

export const factsSchema = z.object({
  jobs: z.array(schemas.jobs),
  attempts: z.array(schemas.attempts),
  steps: z.array(schemas.steps),
  streams: z.array(schemas.streams),
  counts: z.array(schemas.counts),
  orphans: z.array(schemas.orphans),
  workers: z.array(schemas.workers),
  orders: z.array(schemas.orders),
  ledger: z.array(schemas.ledger),
  ends: z.array(schemas.ends),
  workflows: z.array(schemas.workflows),
  problems: z.array(schemas.problems),
  held_open: z.array(schemas.held_open),
  task_ends: z.array(schemas.task_ends),
  queue_ends: z.array(schemas.queue_ends),
  limiters: z.array(schemas.limiters),
});
export type Facts = z.output<typeof factsSchema>;

const ms = (column: string) => sql`(extract(epoch FROM ${sql.ref(column)}) * 1000)::double precision`;

export async function readFacts({ queryable, kind }: Database): Promise<Facts> {
  const rows = async <Row>(schema: z.ZodType<Row>, statement: RawBuilder<unknown>): Promise<Row[]> =>
    z.array(schema).parse((await statement.execute(queryable)).rows);
  return {
    jobs: await rows(schemas.jobs, jobs),
    attempts: await rows(schemas.attempts, attempts),
    steps: await rows(
      schemas.steps,
      sql`SELECT job_id AS job, key, state, fence, ${ms("finished_at")} AS finished_ms FROM job_step`,
    ),
    streams: await rows(schemas.streams, streams),
    counts: await rows(schemas.counts, counts),
    orphans: await rows(schemas.orphans, orphans),
    workers: await rows(
      schemas.workers,
      sql`SELECT id, name, pid, stopped_at IS NOT NULL AS is_stopped FROM worker`,
    ),
    orders: await rows(
      schemas.orders,
      sql`SELECT name, job_id AS job, EXISTS (SELECT FROM job WHERE id = job_id) AS is_there FROM crash_order`,
    ),
    ledger: await rows(schemas.ledger, sql`SELECT job_id AS job, fence, price FROM crash_ledger`),
    ends: await rows(
      schemas.ends,
      sql`SELECT job_id AS job, state, count(*) AS count FROM crash_end GROUP BY job_id, state`,
    ),
    workflows: await rows(
      schemas.workflows,
      sql`
        SELECT name, state, (
          SELECT count(*) FROM workflow_node AS node JOIN ended_attempt AS ended ON ended.job_id = node.job_id
          WHERE node.workflow_id = workflow.id AND node.parent = 1 AND node.position = 1 AND outcome = 'succeeded') AS bodies
        FROM workflow`,
    ),
    problems: z.array(schemas.problems).parse(await findQueueProblems(queryable)),
    // The embedded database has one connection, on which this itself is asked.
    held_open: kind === "embedded" ? [] : await findHeldOpen(queryable),
    task_ends: await rows(
      schemas.task_ends,
      sql`SELECT task, state, sum(count)::bigint AS count FROM task_end_count GROUP BY task, state`,
    ),
    queue_ends: await rows(
      schemas.queue_ends,
      sql`SELECT queue, state, sum(count)::bigint AS count FROM queue_end_count GROUP BY queue, state`,
    ),
    limiters: await rows(schemas.limiters, sql`SELECT key, tokens FROM limiter`),
  };
}

/** The tables of a domain, with nothing that would hide a double. */
export async function createDomainTables({ queryable }: Database): Promise<void> {
  await sql`CREATE TABLE crash_order (name text NOT NULL, job_id uuid NOT NULL)`.execute(queryable);
  await sql`CREATE TABLE crash_ledger (job_id uuid NOT NULL, fence bigint NOT NULL, price bigint NOT NULL)`.execute(
    queryable,
  );
  await sql`CREATE TABLE crash_end (job_id uuid NOT NULL, state text NOT NULL)`.execute(queryable);
}

const jobs = sql`
  SELECT job.id, job.workflow_id IS NOT NULL AS is_member,
         coalesce(idempotency_key, (SELECT workflow.name || ' ' || node.number FROM workflow_node AS node
           JOIN workflow ON workflow.id = node.workflow_id WHERE node.job_id = job.id)) AS name,
         parent_id AS parent, task, queue, state, stream, job.attempt, job.fence,
         crash_count, event_seq, job.finished_at IS NOT NULL AS has_end_time,
         coalesce(lease_until::text, job.worker_id::text, parked_by) IS NOT NULL AS is_tied,
         job_payload.job_id IS NOT NULL AS has_input,
         (job.output IS NOT NULL OR job.error_code IS NOT NULL OR state IN ('cancelled', 'expired')) AS has_result,
         (job.output ->> 'fence')::double precision AS output_fence, job.error_code,
         (SELECT count(*) FROM job_log WHERE job_log.job_id = job.id) AS logs
  FROM job LEFT JOIN job_payload ON job_payload.job_id = job.id
  ORDER BY job.id`;

const attempts = sql`
  SELECT job_id AS job, job.task, ended.fence, ended.attempt, ended.worker_id AS worker, outcome,
         ended.error_code, ${ms("ended.started_at")} AS started_ms, ${ms("ended.finished_at")} AS finished_ms
  FROM ended_attempt AS ended LEFT JOIN job ON job.id = job_id ORDER BY job_id, ended.fence`;

const streams = sql`
  SELECT event.stream, count(*) AS count, min(seq) AS first, max(seq) AS last,
         (SELECT coalesce((SELECT event_seq FROM job WHERE event.stream = 'job:' || job.id),
                          (SELECT last_seq FROM event_stream WHERE event_stream.stream = event.stream))) AS counter,
         count(*) FILTER (WHERE type LIKE '%.queued') AS queued,
         count(*) FILTER (WHERE type ~ '\\.(succeeded|failed|cancelled|expired)$') AS ends,
         count(*) FILTER (WHERE type LIKE '%.logged') AS logged
  FROM any_event AS event GROUP BY event.stream`;

const counts = sql`
  SELECT queue, state, coalesce(told.count, 0)::double precision AS told, coalesce(truth.count, 0)::double precision AS real
  FROM (SELECT queue, state, sum(count) AS count FROM (
          SELECT queue, state, count FROM job_count UNION ALL SELECT queue, state, change FROM job_count_change) AS parts
        GROUP BY queue, state) AS told
  FULL JOIN (SELECT queue, state, count(*) AS count FROM job GROUP BY queue, state) AS truth USING (queue, state)`;

const orphans = sql`${sql.join(
  ["job_payload", "job_progress", "job_attempt", "job_step", "job_wait", "job_log"].map(
    (table) => sql`
      SELECT ${table}::text AS place, count(*) AS count FROM ${sql.table(table)}
      WHERE NOT EXISTS (SELECT FROM job WHERE job.id = job_id)`,
  ),
  sql` UNION ALL `,
)} UNION ALL
  SELECT 'event', count(*) FROM event
  WHERE stream LIKE 'job:%' AND NOT EXISTS (SELECT FROM job WHERE event.stream = 'job:' || job.id)`;
