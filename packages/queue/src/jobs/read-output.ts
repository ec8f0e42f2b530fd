import { isTerminal } from "@millrace/contracts";
import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import { jobNotFinished, jobNotFound, jobNotSucceeded } from "../errors.ts";
import type { Task } from "../tasks/task.ts";
import { parseOutput } from "../tasks/task-values.ts";
import type { JobRecord } from "./find-jobs.ts";

/**
 * What a job returned, as its task's schema reads it. `job` is as it was last seen. Throws
 * `job_not_found`, `job_not_finished`, `job_failed`, `job_cancelled`, `job_expired`, or
 * `invalid_job_output` when the schema has changed since.
 */
export async function readOutput<Input, Output>(
  queryable: Queryable,
  task: Task<Input, Output>,
  job: JobRecord | undefined,
  id: string,
): Promise<Output> {
  if (job === undefined) throw jobNotFound(id);
  if (!isTerminal(job.state)) throw jobNotFinished(id, job.state);
  if (job.state !== "succeeded") throw jobNotSucceeded(job);
  const found = await sql<{ output: unknown }>`
    SELECT output FROM job WHERE id = ${id}`.execute(queryable);
  return parseOutput(task, found.rows[0]?.output);
}
