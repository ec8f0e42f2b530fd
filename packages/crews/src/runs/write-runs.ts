import { jsonText } from "@millrace/database";
import type { Transaction } from "@millrace/database";
import { localAccess } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import type { JobEnd } from "@millrace/queue";
import { sql } from "kysely";
import type { Crew, CrewInputs, TaskOutput } from "../definition/crew.ts";
import type { CrewFile } from "../run/runtime.ts";
import type { CrewRunInput, CrewRunOutput } from "./crew-run-task.ts";

export type NewRun = {
  readonly id: string;
  readonly crew: Crew;
  readonly inputs: CrewInputs;
  readonly jobId: string;
  readonly stream: string;
  readonly replay: CrewRunInput["replay"];
  /** What it takes over of the run that it repeats. */
  readonly outputs: readonly TaskOutput[];
};

/** Writes a run that nobody works on yet, with the files of the tasks that it takes over. */
export async function insertRun(transaction: Transaction, access: Access, run: NewRun): Promise<void> {
  await sql`
    INSERT INTO crew_run (id, workspace_id, person_id, crew, fingerprint, tasks, inputs, job_id, stream, replay_of,
                          replay_from)
    VALUES (${run.id}, ${access.workspaceId}, ${access.personId}, ${run.crew.name}, ${run.crew.fingerprint},
            ${jsonText(tasksOf(run.crew))}::jsonb, ${jsonText(run.inputs)}::jsonb, ${run.jobId}, ${run.stream},
            ${run.replay?.of ?? null}, ${run.replay?.from ?? null})`.execute(transaction);
  for (const output of run.outputs) await writeOutput(transaction, run.id, output);
  if (run.replay === null) return;
  const tasks = run.outputs.map((output) => output.task);
  await sql`
    INSERT INTO crew_run_file (run_id, path, task, content)
    SELECT ${run.id}, path, task, content FROM crew_run_file
    WHERE run_id = ${run.replay.of} AND task = ANY(${tasks}::text[])`.execute(transaction);
}

function tasksOf(crew: Crew) {
  return crew.tasks.map(({ name, title, agent }) => ({ task: name, title, agent }));
}

/**
 * Notes that a job works on its run, with the crew as it is when the run first begins, and returns the run's id. A
 * job that was enqueued without a run, as schedules do, gets one, by its own id. Undefined when its owner is no
 * workspace: nobody could ever see such a run.
 */
export async function beginRun(
  transaction: Transaction,
  run: Pick<NewRun, "crew" | "inputs" | "jobId" | "stream" | "replay"> & { readonly owner: string | null },
): Promise<string | undefined> {
  const tasks = jsonText(tasksOf(run.crew));
  const owner = run.owner ?? localAccess.workspaceId;
  const written = await sql<{ id: string }>`
    INSERT INTO crew_run AS known (id, workspace_id, person_id, crew, fingerprint, tasks, inputs, job_id, stream,
                                   replay_of, replay_from, attempts, started_at)
    SELECT ${run.jobId}, id, ${localAccess.personId}, ${run.crew.name}, ${run.crew.fingerprint}, ${tasks}::jsonb,
           ${jsonText(run.inputs)}::jsonb, ${run.jobId}, ${run.stream}, ${run.replay?.of ?? null}::uuid,
           ${run.replay?.from ?? null}, 1, now()
    FROM workspace WHERE id::text = ${owner}
    ON CONFLICT (job_id) DO UPDATE SET attempts = known.attempts + 1, started_at = coalesce(known.started_at, now()),
      tasks = CASE WHEN known.attempts = 0 THEN excluded.tasks ELSE known.tasks END,
      fingerprint = CASE WHEN known.attempts = 0 THEN excluded.fingerprint ELSE known.fingerprint END
    RETURNING id`.execute(transaction);
  return written.rows[0]?.id;
}

export async function writeTaskStart(transaction: Transaction, runId: string, task: string): Promise<void> {
  await sql`
    INSERT INTO crew_run_task (run_id, task, state) VALUES (${runId}, ${task}, 'running')
    ON CONFLICT DO NOTHING`.execute(transaction);
}

export async function writeOutput(
  transaction: Transaction,
  runId: string,
  output: TaskOutput,
): Promise<void> {
  await sql`
    INSERT INTO crew_run_task (run_id, task, state, output)
    VALUES (${runId}, ${output.task}, ${output.skipped ? "skipped" : "done"}, ${jsonText(output)}::jsonb)
    ON CONFLICT (run_id, task) DO UPDATE SET state = excluded.state, output = excluded.output`.execute(
    transaction,
  );
}

export type RunUse = {
  readonly modelCalls: number;
  readonly toolCalls: number;
  /** Null: unknown, and the sum with it. */
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cost: number | null;
};

export async function addUse(transaction: Transaction, runId: string, use: RunUse): Promise<void> {
  await sql`
    UPDATE crew_run SET model_calls = model_calls + ${use.modelCalls}::integer,
      tool_calls = tool_calls + ${use.toolCalls}::integer,
      input_tokens = input_tokens + ${use.inputTokens}::bigint,
      output_tokens = output_tokens + ${use.outputTokens}::bigint, cost = cost + ${use.cost}::numeric
    WHERE id = ${runId}`.execute(transaction);
}

export async function writeQuestion(
  transaction: Transaction,
  runId: string,
  question: {
    readonly key: string;
    readonly task: string;
    readonly agent: string;
    readonly output: string;
  },
): Promise<void> {
  await sql`UPDATE crew_run SET question = ${jsonText(question)}::jsonb WHERE id = ${runId}`.execute(
    transaction,
  );
}

/** Keeps an output file. The same path again replaces it. */
export async function writeFile(transaction: Transaction, runId: string, file: CrewFile): Promise<void> {
  await sql`
    INSERT INTO crew_run_file (run_id, path, task, content)
    VALUES (${runId}, ${file.path}, ${file.task}, ${file.text.replaceAll("\0", "\ufffd")})
    ON CONFLICT (run_id, path) DO UPDATE SET task = excluded.task, content = excluded.content,
      created_at = now()`.execute(transaction);
}

/** Writes how a run ended. Undefined when its job has none: it never began. */
export async function endRun(
  transaction: Transaction,
  end: JobEnd<CrewRunInput, CrewRunOutput>,
): Promise<{ readonly stream: string; readonly workspace_id: string } | undefined> {
  const error = "error" in end ? end.error : undefined;
  const result = end.state === "succeeded" ? jsonText({ raw: end.output.raw, json: end.output.json }) : null;
  const written = await sql<{ stream: string; workspace_id: string }>`
    UPDATE crew_run SET end_state = ${end.state}, finished_at = now(), result = ${result}::jsonb,
      error_code = ${error?.code ?? null}, error_message = ${error?.message ?? null}
    WHERE job_id = ${end.jobId} RETURNING stream, workspace_id`.execute(transaction);
  return written.rows[0];
}

/** An ended run whose job is in line again. False when no run has this job. */
export async function reopenRun(transaction: Transaction, jobId: string): Promise<boolean> {
  const written = await sql`
    UPDATE crew_run SET end_state = NULL, finished_at = NULL, result = NULL, error_code = NULL, error_message = NULL
    WHERE job_id = ${jobId}`.execute(transaction);
  return written.numAffectedRows === 1n;
}
