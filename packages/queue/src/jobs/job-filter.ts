import type { JobState } from "@millrace/contracts";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { anyRunning } from "./any-running.ts";

/** Which jobs: those of which all that is given is true. Moments as RFC 3339 text. */
export type JobConditions = {
  readonly ids?: readonly string[] | undefined;
  readonly states?: readonly JobState[] | undefined;
  readonly queue?: string | undefined;
  readonly task?: string | undefined;
  readonly tag?: string | undefined;
  /** What this worker, by id or name, runs, or ran before. */
  readonly worker?: string | undefined;
  readonly errorCode?: string | undefined;
  /** As `commonMessage` gives it. */
  readonly errorMessage?: string | undefined;
  /** In the task's name, a tag or the error, whatever the case. */
  readonly search?: string | undefined;
  readonly createdAfter?: string | undefined;
  readonly createdBefore?: string | undefined;
  readonly finishedAfter?: string | undefined;
  readonly finishedBefore?: string | undefined;
};

/**
 * The condition for a statement on `job` and `payload`. What is not given is not in it, so that an index with
 * a condition of its own is found to fit.
 */
export function jobCondition(filter: JobConditions): RawBuilder<unknown> {
  const { ids, states, queue, task, tag, worker, errorCode, errorMessage, search } = filter;
  const conditions = [
    ids === undefined ? undefined : sql`job.id = ANY(${[...ids]}::uuid[])`,
    states === undefined ? undefined : inStates(states),
    queue === undefined ? undefined : sql`job.queue = ${queue}`,
    task === undefined ? undefined : sql`job.task = ${task}`,
    tag === undefined ? undefined : sql`(payload.tags @> ARRAY[${tag}]::text[] AND payload.tags <> '{}')`,
    worker === undefined ? undefined : ranOn(worker),
    errorCode === undefined ? undefined : sql`job.error_code = ${errorCode}`,
    errorMessage === undefined ? undefined : sql`${commonMessage} = ${errorMessage}`,
    search === undefined ? undefined : contains(search),
    moment(sql`job.created_at >=`, filter.createdAfter),
    moment(sql`job.created_at <=`, filter.createdBefore),
    moment(sql`job.finished_at >=`, filter.finishedAfter),
    moment(sql`job.finished_at <=`, filter.finishedBefore),
  ].filter((condition) => condition !== undefined);
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` AND `);
}

function inStates(states: readonly JobState[]): RawBuilder<unknown> {
  const [state, ...others] = states;
  if (others.length > 0 || state === undefined) return sql`job.state = ANY(${[...states]}::text[])`;
  return state === "running" ? anyRunning : sql`job.state = ${state}`;
}

function moment(compared: RawBuilder<unknown>, value: string | undefined): RawBuilder<unknown> | undefined {
  return value === undefined ? undefined : sql`${compared} ${value}::timestamptz`;
}

function ranOn(worker: string): RawBuilder<unknown> {
  return sql`(
    job.worker_id IN (SELECT id FROM worker WHERE id::text = ${worker} OR name = ${worker})
    OR job.succeeded_by_name = ${worker} OR job.succeeded_by::text = ${worker}
    OR EXISTS (SELECT 1 FROM job_attempt WHERE job_attempt.job_id = job.id
      AND (job_attempt.worker_name = ${worker} OR job_attempt.worker_id::text = ${worker})))`;
}

function contains(text: string): RawBuilder<unknown> {
  const found = (value: RawBuilder<unknown>): RawBuilder<unknown> =>
    sql`strpos(lower(${value}), lower(${text})) > 0`;
  return sql`(job.id::text = ${text.trim()} OR ${found(sql`job.task`)} OR ${found(sql`job.error_code`)}
    OR ${found(sql`job.error_message`)} OR ${found(sql`array_to_string(payload.tags, ' ')`)})`;
}

/** An id, a quoted text, a number: where they differ, errors are still of one kind. */
const particulars = [
  "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
  `"[^"]*"|'[^']*'`,
  "[0-9]+([.,:][0-9]+)*",
].join("|");
/** Longer messages carry whole answers of others; their beginnings tell the kind. */
const maxMessageCharacters = 300;

/** What the error message of `job` has in common with others of its kind. */
export const commonMessage = sql`
  left(regexp_replace(left(coalesce(job.error_message, ''), ${sql.lit(2 * maxMessageCharacters)}),
    ${sql.lit(particulars)}, '…', 'gi'), ${sql.lit(maxMessageCharacters)})`;
