import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type { TaskRegistry } from "../tasks/task-registry.ts";

/**
 * Longer than updates, restarts and weekends take, and short enough for a person to see that the job has
 * ended.
 */
const patience = sql`interval '1 day'`;

/**
 * A condition on a row of `job` whose end was due at `due`: this process may end it. Only one that has the
 * handler knows what else the task writes when a job ends (`onEnd`); when for a day none of them was there,
 * any may, without that.
 */
export function endsHere(registry: TaskRegistry, due: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(job.task || '@' || job.task_version = ANY(${registry.keys()}::text[]) OR ${due} <= now() - ${patience})`;
}
