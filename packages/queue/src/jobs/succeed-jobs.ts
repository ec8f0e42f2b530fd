import { arrayText } from "@millrace/database";
import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { commit } from "../crash-point.ts";
import { joinEnded } from "../workflows/join.ts";
import type { EndedMember } from "../workflows/join.ts";
import { withWriteScope } from "../write-scope.ts";
import type { EndingParts } from "./write-end.ts";

/** A job whose handler returned, with what there is to write. */
export type SucceededJob = {
  readonly id: string;
  readonly fence: number;
  /** JSON text. */
  readonly output: string;
  /** Null for a member of a workflow, which is kept as long as that. */
  readonly keptDays: number | null;
};

export type RecordedSuccess = {
  readonly id: string;
  readonly seq: number;
  readonly at_ms: number;
  readonly run_ms: number;
};

/**
 * Ends many jobs that succeeded, with one statement: state, output, the record of the attempt, the number of the
 * last event of their own streams, and the progress that earlier attempts left. For jobs whose end writes nothing
 * else: no hook, no progress of this attempt, no shared stream. Those that are not in the answer were left as they
 * are, because this claim does not hold them any more or their cancel was asked for. SQL: `succeed_jobs`, migration 7.
 */
export async function succeedJobs(
  database: QueryAccess,
  worker: Recorder,
  jobs: readonly SucceededJob[],
): Promise<RecordedSuccess[]> {
  const statement = succeedStatement(worker, jobs);
  const ended = await commit("succeed", () => statement.execute(database.queryable));
  return ended.rows;
}

/** The same for members of workflows, which are counted in the same transaction. */
export async function succeedMembers(
  parts: EndingParts & { readonly database: QueryAccess; readonly worker: Recorder },
  members: readonly (SucceededJob & { readonly job: { readonly workflow_id: string | null } })[],
): Promise<RecordedSuccess[]> {
  const workflows = new Map(members.map(({ id, job }) => [id, job.workflow_id]));
  return await withWriteScope(
    parts.database,
    async (scope) => {
      const ended = await succeedStatement(parts.worker, members).execute(scope.transaction);
      const joined = ended.rows.flatMap(({ id }): EndedMember[] => {
        const workflowId = workflows.get(id) ?? null;
        return workflowId === null ? [] : [{ jobId: id, workflowId, state: "succeeded", error: null }];
      });
      await joinEnded(scope, parts, joined);
      return ended.rows;
    },
    "succeed_members",
  );
}

type Recorder = { readonly id: string; readonly name: string };

function succeedStatement(worker: Recorder, jobs: readonly SucceededJob[]): RawBuilder<RecordedSuccess> {
  // In the order of their ids, as everybody locks who locks several.
  const sorted = jobs.toSorted((left, right) => (left.id < right.id ? -1 : 1));
  const ended = sql<RecordedSuccess>`
    SELECT * FROM succeed_jobs(
      ${arrayText(sorted.map(({ id }) => id))}::uuid[], ${arrayText(sorted.map(({ fence }) => fence))}::bigint[],
      ${arrayText(sorted.map(({ output }) => output))}::text[], ${arrayText(sorted.map(({ keptDays }) => keptDays))}::double precision[],
      ${worker.id}::uuid, ${worker.name})`;
  // Of most jobs this is the first claim: they have no progress.
  if (sorted.every(({ fence }) => fence === 1)) return ended;
  return sql<RecordedSuccess>`
    WITH ended AS MATERIALIZED (${ended}), filled AS (
      UPDATE job_progress SET percent = 100, eta_seconds = NULL, updated_at = now() FROM ended WHERE job_id = ended.id
    )
    SELECT * FROM ended`;
}
