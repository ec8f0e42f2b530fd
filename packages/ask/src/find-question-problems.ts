import type { Queryable } from "@millrace/database";
import { sql } from "kysely";

/** Something that must never be, and is. */
export type QuestionProblem = {
  readonly check: string;
  readonly count: number;
  /** The ids of some questions. */
  readonly examples: readonly string[];
};

const batch = 500;
const maxExamples = 5;

/** How many things `findQuestionProblems` looks at. */
export const questionChecks = 1;

/**
 * Looks whether somebody is at work on each question that is not over and has rested for an hour. Reads in batches,
 * for now and then.
 */
export async function findQuestionProblems(
  queryable: Queryable,
  options: {
    readonly signal: AbortSignal;
    /** Of these jobs, those that have not ended. */
    readonly findPendingJobs: (ids: readonly string[]) => Promise<ReadonlySet<string>>;
  },
): Promise<QuestionProblem[]> {
  const withoutJob: string[] = [];
  let last = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    options.signal.throwIfAborted();
    const { rows } = await sql<{ id: string; job_id: string }>`
      SELECT id, job_id FROM question
      WHERE id > ${last} AND state IN ('queued', 'processing') AND updated_at < now() - interval '1 hour'
      ORDER BY id LIMIT ${batch}`.execute(queryable);
    const pending = await options.findPendingJobs(rows.map((row) => row.job_id));
    withoutJob.push(...rows.filter((row) => !pending.has(row.job_id)).map((row) => row.id));
    if (rows.length < batch) break;
    last = rows.at(-1)?.id ?? last;
  }
  if (withoutJob.length === 0) return [];
  const check = "a question waits for a job that is not there or has ended";
  return [{ check, count: withoutJob.length, examples: withoutJob.slice(0, maxExamples) }];
}
