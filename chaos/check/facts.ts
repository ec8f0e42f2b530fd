import type { Database } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { z } from "zod";

const schemas = {
  jobs: z.object({
    id: z.string(),
    task: z.string(),
    state: z.string(),
    errorCode: z.string().nullable(),
    output: z.unknown(),
    stream: z.string(),
    createdMs: z.number(),
    finishedMs: z.number().nullable(),
  }),
  attempts: z.object({
    job: z.string(),
    fence: z.number(),
    number: z.number(),
    outcome: z.string().nullable(),
  }),
  steps: z.object({ job: z.string(), key: z.string(), state: z.string(), fence: z.number() }),
  ledger: z.object({ job: z.string(), key: z.string(), count: z.number() }),
  charges: z.object({
    job: z.string(),
    key: z.string(),
    input: z.number().nullable(),
    output: z.number().nullable(),
  }),
  /** Calls of models that were answered, as they are listed. */
  listed: z.object({ job: z.string(), key: z.string(), count: z.number() }),
  /** `output`: of the job that joins a chord. */
  workflows: z.object({ id: z.string(), state: z.string(), output: z.unknown() }),
  documents: z.object({ id: z.string(), job: z.string().nullable(), status: z.string() }),
  streams: z.object({
    stream: z.string(),
    count: z.number(),
    first: z.number(),
    last: z.number(),
    queued: z.number(),
    ends: z.number(),
  }),
};

const factsSchema = z.object({
  jobs: z.array(schemas.jobs),
  attempts: z.array(schemas.attempts),
  steps: z.array(schemas.steps),
  ledger: z.array(schemas.ledger),
  charges: z.array(schemas.charges),
  listed: z.array(schemas.listed),
  workflows: z.array(schemas.workflows),
  documents: z.array(schemas.documents),
  streams: z.array(schemas.streams),
});
/** What the database says of everything that was asked for. */
export type Facts = z.output<typeof factsSchema>;

const ms = (column: string) => sql`(extract(epoch FROM ${sql.ref(column)}) * 1000)::double precision`;

const ofProgram = sql`EXISTS (SELECT FROM job WHERE job.id = job_id AND task LIKE 'chaos.%')`;

const statements: Readonly<Record<keyof Facts, RawBuilder<unknown>>> = {
  jobs: sql`
    SELECT id, task, state, error_code AS "errorCode", output, stream,
           ${ms("created_at")} AS "createdMs", ${ms("finished_at")} AS "finishedMs"
    FROM job`,
  attempts: sql`SELECT job_id AS job, fence, attempt AS number, outcome FROM ended_attempt`,
  steps: sql`SELECT job_id AS job, key, state, fence FROM job_step WHERE ${ofProgram}`,
  ledger: sql`SELECT job_id AS job, step AS key, count(*) AS count FROM chaos_ledger GROUP BY job_id, step`,
  charges: sql`
    SELECT job_id AS job, step AS key, input_tokens AS input, output_tokens AS output
    FROM model_charge WHERE ${ofProgram}`,
  listed: sql`
    SELECT job_id AS job, step AS key, count(*) AS count
    FROM model_call WHERE outcome = 'answered' AND ${ofProgram} GROUP BY job_id, step`,
  workflows: sql`
    SELECT id, state, (
      SELECT output FROM job WHERE job.workflow_id = workflow.id AND task = 'chaos.sum') AS output
    FROM workflow`,
  documents: sql`SELECT id, job_id AS job, status FROM document`,
  streams: sql`
    SELECT stream, count(*) AS count, min(seq) AS first, max(seq) AS last,
           count(*) FILTER (WHERE type IN ('job.queued', 'document.queued')) AS queued,
           count(*) FILTER (WHERE type ~ '^job\\.(succeeded|failed|cancelled|expired)$'
                              OR type ~ '^document\\.(completed|failed|cancelled)$') AS ends
    FROM any_event WHERE stream LIKE 'job:%' OR stream LIKE 'document:%' GROUP BY stream`,
};

/** Each table as it is at one moment; all at one moment only when nothing runs. */
export async function readFacts({ queryable }: Database): Promise<Facts> {
  const facts: Record<string, unknown> = {};
  for (const [name, statement] of Object.entries(statements)) {
    facts[name] = (await statement.execute(queryable)).rows;
  }
  return factsSchema.parse(facts);
}

/** How many jobs have not ended. */
export async function countOpen({ queryable }: Database): Promise<number> {
  const found = await sql<{
    count: number;
  }>`SELECT count(*) AS count FROM job WHERE finished_at IS NULL`.execute(queryable);
  return found.rows[0]?.count ?? 0;
}
