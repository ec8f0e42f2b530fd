import { crewTaskOutputSchema } from "@millrace/contracts";
import type { CrewRunDetail, CrewRunFile, CrewRunShape, CrewRunTask } from "@millrace/contracts";
import { toJob } from "@millrace/queue";
import type { JobRecord } from "@millrace/queue";
import { sql } from "kysely";
import { z } from "zod";

/** A run as it is stored. Columns of JSON are read by the schemas below. */
export type RunRow = {
  readonly id: string;
  readonly workspace_id: string;
  readonly crew: string;
  readonly tasks: unknown;
  readonly inputs: unknown;
  readonly job_id: string;
  readonly stream: string;
  readonly replay_of: string | null;
  readonly replay_from: string | null;
  readonly end_state: "succeeded" | "failed" | "cancelled" | "expired" | null;
  readonly result: unknown;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly question: unknown;
  readonly model_calls: number;
  readonly tool_calls: number;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cost: number | null;
  readonly attempts: number;
  readonly tasks_done: number;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
};

export const runColumns = sql`
  id, workspace_id, crew, tasks, inputs, job_id, stream, replay_of, replay_from, end_state, result, error_code, error_message,
  question, model_calls, tool_calls, input_tokens::float8 AS input_tokens, output_tokens::float8 AS output_tokens,
  cost::float8 AS cost, attempts, created_at, started_at, finished_at,
  (SELECT count(*)::integer FROM crew_run_task WHERE run_id = crew_run.id AND output IS NOT NULL) AS tasks_done`;

export type TaskRow = {
  readonly task: string;
  readonly state: "running" | "done" | "skipped";
  readonly output: unknown;
};

export type FileRow = {
  readonly path: string;
  readonly task: string;
  readonly size: number;
  readonly created_at: Date;
};

export const runTasksSchema = z.array(
  z.object({ task: z.string(), title: z.string(), agent: z.string().nullable() }),
);
const inputsSchema = z.record(z.string(), z.json());
const resultSchema = z.object({ raw: z.string(), json: z.json() });
const questionSchema = z.object({
  key: z.string(),
  task: z.string(),
  agent: z.string(),
  output: z.string(),
});

/** A run as the API shows it. `job` is missing once it has been forgotten after its retention time. */
export function toCrewRun(row: RunRow, job: JobRecord | undefined): CrewRunShape {
  const shown = job === undefined ? undefined : toJob(job);
  const state = row.end_state ?? shown?.state ?? "queued";
  const self = `/api/crews/${row.crew}/runs/${row.id}`;
  return {
    id: row.id,
    crew: row.crew,
    state,
    display_state: row.end_state ?? shown?.display_state ?? state,
    reason: shown?.reason ?? null,
    attempt: shown?.attempt ?? row.attempts,
    inputs: inputsSchema.parse(row.inputs),
    job_id: row.job_id,
    replay_of: row.replay_of,
    replay_from: row.replay_from,
    tasks_total: runTasksSchema.parse(row.tasks).length,
    tasks_done: row.tasks_done,
    created_at: row.created_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
    error:
      row.error_code === null
        ? (shown?.error ?? null)
        : { code: row.error_code, message: row.error_message ?? row.error_code },
    put_off: shown?.put_off ?? null,
    usage: {
      model_calls: row.model_calls,
      tool_calls: row.tool_calls,
      input_tokens: row.input_tokens,
      output_tokens: row.output_tokens,
      total_tokens:
        row.input_tokens === null || row.output_tokens === null ? null : row.input_tokens + row.output_tokens,
      cost: row.cost,
    },
    waiting_for: state === "waiting" ? questionOf(row, shown?.waiting_for ?? null) : null,
    links: {
      self,
      crew: `/api/crews/${row.crew}`,
      job: `/api/jobs/${row.job_id}`,
      events: `${self}/events`,
      cancel: `${self}/cancel`,
      answer: `${self}/answer`,
      replay: `${self}/replay`,
    },
  };
}

function questionOf(
  row: RunRow,
  asked: ReturnType<typeof toJob>["waiting_for"],
): CrewRunShape["waiting_for"] {
  if (asked === null) return null;
  const { key, question, since } = asked;
  const about = questionSchema.nullable().parse(row.question);
  // Other code of a crew may wait too: then only the question is known.
  const known = about?.key === key ? about : { task: "", agent: "", output: "" };
  return { key, question, since, task: known.task, agent: known.agent, output: known.output };
}

export function toCrewRunDetail(
  run: CrewRunShape,
  row: RunRow,
  parts: { readonly tasks: readonly TaskRow[]; readonly files: readonly FileRow[] },
): CrewRunDetail {
  const byName = new Map(parts.tasks.map((task) => [task.task, task]));
  return {
    ...run,
    result: resultSchema.nullable().parse(row.result),
    tasks: runTasksSchema.parse(row.tasks).map((task): CrewRunTask => {
      const known = byName.get(task.task);
      const output = known?.output ?? null;
      return {
        ...task,
        state: known?.state ?? "pending",
        output: output === null ? null : crewTaskOutputSchema.parse(output),
      };
    }),
    files: parts.files.map((file): CrewRunFile => ({
      path: file.path,
      task: file.task,
      size: file.size,
      created_at: file.created_at.toISOString(),
      link: `${run.links.self}/files/${file.path.split("/").map(encodeURIComponent).join("/")}`,
    })),
  };
}
