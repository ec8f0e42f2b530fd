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
  /** The number of the last event of the job's own stream. */
  readonly seq: number;
  /** From the claim. */
  readonly runMs: number;
};

export type RecordedSuccesses = {
  /** When they ended, all at the same time. */
  readonly atMs: number;
  /** By the job's id. Those that are not here were left as they are. */
  readonly ended: ReadonlyMap<string, RecordedSuccess>;
};

/**
 * Ends many jobs that succeeded, with one statement: state, output, the record of the attempt, the number of the
 * last event of their own streams, and the progress that earlier attempts left. For jobs whose end writes nothing
 * else: no hook, no progress of this attempt, no shared stream. Some are left as they are, because this claim does
 * not hold them any more or their cancel was asked for. SQL: `succeed_jobs_briefly`, migration 26.
 */
export async function succeedJobs(
  database: QueryAccess,
  worker: Recorder,
  jobs: readonly SucceededJob[],
): Promise<RecordedSuccesses> {
  const sorted = inOrderOfIds(jobs);
  const statement = succeedStatement(worker, sorted);
  const ended = await commit("succeed", () => statement.execute(database.queryable));
  return readAnswer(ended.rows, sorted);
}

/** The same for members of workflows, which are counted in the same transaction. */
export async function succeedMembers(
  parts: EndingParts & { readonly database: QueryAccess; readonly worker: Recorder },
  members: readonly (SucceededJob & { readonly job: { readonly workflow_id: string | null } })[],
): Promise<RecordedSuccesses> {
  const sorted = inOrderOfIds(members);
  return await withWriteScope(
    parts.database,
    async (scope) => {
      const ended = await succeedStatement(parts.worker, sorted).execute(scope.transaction);
      const recorded = readAnswer(ended.rows, sorted);
      const joined = sorted.flatMap(({ id, job: { workflow_id: workflowId } }): EndedMember[] =>
        workflowId === null || !recorded.ended.has(id)
          ? []
          : [{ jobId: id, workflowId, state: "succeeded", error: null }],
      );
      await joinEnded(scope, parts, joined);
      return recorded;
    },
    "succeed_members",
  );
}

type Recorder = { readonly id: string; readonly name: string };
/** One row for all: places among the given jobs, from 1, and in their order the other lists; each with commas. */
type Answer = {
  readonly at_ms: number;
  readonly places: string;
  readonly seqs: string;
  readonly run_ms: string;
};

/** As everybody locks who locks several. */
function inOrderOfIds<Job extends SucceededJob>(jobs: readonly Job[]): Job[] {
  return jobs.toSorted((left, right) => (left.id < right.id ? -1 : 1));
}

function succeedStatement(worker: Recorder, sorted: readonly SucceededJob[]): RawBuilder<Answer> {
  const ended = sql<Answer>`
    SELECT * FROM succeed_jobs_briefly(
      ${arrayText(sorted.map(({ id }) => id))}::uuid[], ${arrayText(sorted.map(({ fence }) => fence))}::bigint[],
      ${arrayText(sorted.map(({ output }) => output))}::text[], ${arrayText(sorted.map(({ keptDays }) => keptDays))}::double precision[],
      ${worker.id}::uuid, ${worker.name})`;
  // Of most jobs this is the first claim: they have no progress.
  const again = sorted.flatMap(({ id, fence }, nth) => (fence === 1 ? [] : [{ id, place: nth + 1 }]));
  if (again.length === 0) return ended;
  return sql<Answer>`
    WITH ended AS MATERIALIZED (${ended}), filled AS (
      UPDATE job_progress SET percent = 100, eta_seconds = NULL, updated_at = now()
      FROM ended, unnest(${arrayText(again.map(({ id }) => id))}::uuid[], ${arrayText(again.map(({ place }) => place))}::text[])
        AS again (id, place)
      WHERE job_id = again.id AND again.place = ANY(string_to_array(ended.places, ','))
    )
    SELECT * FROM ended`;
}

function readAnswer([answer]: readonly Answer[], sorted: readonly SucceededJob[]): RecordedSuccesses {
  if (answer === undefined) throw new Error("succeed_jobs_briefly gave no row");
  const seqs = numbers(answer.seqs);
  const runsMs = numbers(answer.run_ms);
  const ended = new Map<string, RecordedSuccess>();
  for (const [nth, place] of numbers(answer.places).entries()) {
    const job = sorted[place - 1];
    if (job !== undefined) ended.set(job.id, { seq: seqs[nth] ?? 0, runMs: runsMs[nth] ?? 0 });
  }
  return { atMs: answer.at_ms, ended };
}

function numbers(list: string): number[] {
  return list === "" ? [] : list.split(",").map(Number);
}
