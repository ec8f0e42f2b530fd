import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import { assertTaskName } from "./names.ts";

/**
 * Whether a worker of any process has registered the task, whatever its version, or there is a job of it. Of a
 * name that nobody knows all jobs are looked through: for what people ask now and then. Throws
 * `invalid_task_name`.
 */
export async function isKnownTask(database: QueryAccess, task: string): Promise<boolean> {
  assertTaskName(task);
  const found = await sql<{ is_known: boolean }>`
    SELECT EXISTS (SELECT FROM worker, unnest(worker.tasks) AS known WHERE split_part(known, '@', 1) = ${task})
      OR EXISTS (SELECT FROM job WHERE task = ${task}) AS is_known`.execute(database.queryable);
  return found.rows[0]?.is_known === true;
}
