import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import { commit } from "../crash-point.ts";

/** A job whose handler returned, with what there is to write. */
export type SucceededJob = {
  readonly id: string;
  readonly fence: number;
  /** JSON text. */
  readonly output: string;
  readonly keptDays: number;
};

export type RecordedSuccess = {
  readonly id: string;
  readonly seq: number;
  readonly at_ms: number;
  readonly run_ms: number;
};

/**
 * Ends many jobs that succeeded, with one statement: state, output, the record of the attempt, and the
 * number of the last event of their own streams. For jobs whose end writes nothing else: no hook, no progress, no
 * shared stream. Those that are not in the answer were left as they are, because this claim does not
 * hold them any more or their cancel was asked for. SQL: `succeed_jobs`, migration 7.
 */
export async function succeedJobs(
  database: QueryAccess,
  worker: { readonly id: string; readonly name: string },
  jobs: readonly SucceededJob[],
): Promise<RecordedSuccess[]> {
  // In the order of their ids, as everybody locks who locks several.
  const sorted = jobs.toSorted((left, right) => (left.id < right.id ? -1 : 1));
  const statement = sql<RecordedSuccess>`
    SELECT * FROM succeed_jobs(
      ${sorted.map(({ id }) => id)}::uuid[], ${sorted.map(({ fence }) => fence)}::bigint[],
      ${sorted.map(({ output }) => output)}::text[], ${sorted.map(({ keptDays }) => keptDays)}::double precision[],
      ${worker.id}::uuid, ${worker.name})`;
  const ended = await commit("succeed", () => statement.execute(database.queryable));
  return ended.rows;
}
