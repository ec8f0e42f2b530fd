import { crewTaskOutputSchema } from "@millrace/contracts";
import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import type { TaskOutput } from "../definition/crew.ts";
import { runColumns } from "./run-row.ts";
import type { FileRow, RunRow, TaskRow } from "./run-row.ts";

export type RunFilter = {
  readonly crew?: string | undefined;
  readonly state?: "active" | "succeeded" | "failed" | "cancelled" | "expired" | undefined;
  /** Only runs older than this one. */
  readonly before?: string | undefined;
  readonly limit: number;
};

/** Runs of a workspace, newest first. */
export async function listRuns(
  queryable: Queryable,
  workspaceId: string,
  filter: RunFilter,
): Promise<RunRow[]> {
  const { crew = null, state = null, before = null } = filter;
  const found = await sql<RunRow>`
    SELECT ${runColumns} FROM crew_run
    WHERE workspace_id = ${workspaceId} AND (${crew}::text IS NULL OR crew = ${crew}::text)
      AND (${state}::text IS NULL OR coalesce(end_state, 'active') = ${state}::text)
      AND (${before}::uuid IS NULL OR id < ${before}::uuid)
    ORDER BY id DESC LIMIT ${filter.limit}`.execute(queryable);
  return found.rows;
}

export async function findRun(
  queryable: Queryable,
  workspaceId: string,
  id: string,
): Promise<RunRow | undefined> {
  const found = await sql<RunRow>`
    SELECT ${runColumns} FROM crew_run WHERE id = ${id} AND workspace_id = ${workspaceId}`.execute(queryable);
  return found.rows[0];
}

/** The run that a job does, whoever's it is. */
export async function findRunOfJob(queryable: Queryable, jobId: string): Promise<RunRow | undefined> {
  const found = await sql<RunRow>`SELECT ${runColumns} FROM crew_run WHERE job_id = ${jobId}`.execute(
    queryable,
  );
  return found.rows[0];
}

export async function readTasks(queryable: Queryable, runId: string): Promise<TaskRow[]> {
  const found = await sql<TaskRow>`
    SELECT task, state, output FROM crew_run_task WHERE run_id = ${runId}`.execute(queryable);
  return found.rows;
}

/** What the tasks of a run have come to so far. */
export async function readOutputs(queryable: Queryable, runId: string): Promise<TaskOutput[]> {
  const tasks = await readTasks(queryable, runId);
  return tasks.flatMap(({ output }) => (output === null ? [] : [crewTaskOutputSchema.parse(output)]));
}

export async function listFiles(queryable: Queryable, runId: string): Promise<FileRow[]> {
  const found = await sql<FileRow>`
    SELECT path, task, octet_length(content) AS size, created_at FROM crew_run_file
    WHERE run_id = ${runId} ORDER BY path`.execute(queryable);
  return found.rows;
}

export async function readFile(
  queryable: Queryable,
  runId: string,
  path: string,
): Promise<string | undefined> {
  const found = await sql<{ content: string }>`
    SELECT content FROM crew_run_file WHERE run_id = ${runId} AND path = ${path}`.execute(queryable);
  return found.rows[0]?.content;
}
