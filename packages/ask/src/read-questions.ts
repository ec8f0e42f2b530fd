import type { QuestionState } from "@millrace/contracts";
import type { Queryable, Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { QuestionRow } from "./question-row.ts";

const columns = sql`id, workspace_id, question, scope, state, outcome, answer, partial_answer, citations,
  removed_citations, nearest, passages_read, model, extractive, prompts, input_tokens, output_tokens,
  cost::double precision AS cost, error, error_code, job_id, created_at, updated_at, started_at, finished_at`;

/** One question of a workspace; undefined also for those of others. */
export async function findQuestion(
  queryable: Queryable,
  workspaceId: string,
  id: string,
): Promise<QuestionRow | undefined> {
  const found = await sql<QuestionRow>`
    SELECT ${columns} FROM question WHERE workspace_id = ${workspaceId} AND id = ${id}`.execute(queryable);
  return found.rows[0];
}

/** The same with the row locked until the transaction ends. */
export async function lockQuestion(
  transaction: Transaction,
  workspaceId: string,
  id: string,
): Promise<QuestionRow | undefined> {
  const found = await sql<QuestionRow>`
    SELECT ${columns} FROM question WHERE workspace_id = ${workspaceId} AND id = ${id} FOR UPDATE`.execute(
    transaction,
  );
  return found.rows[0];
}

export type QuestionFilter = {
  readonly state?: QuestionState | undefined;
  /** Questions with a smaller id: the last of the page before. */
  readonly before?: string | undefined;
  readonly limit: number;
};

/** Questions of a workspace, newest first. */
export async function listQuestions(
  queryable: Queryable,
  workspaceId: string,
  filter: QuestionFilter,
): Promise<QuestionRow[]> {
  const conditions = [sql`workspace_id = ${workspaceId}`];
  if (filter.state !== undefined) conditions.push(sql`state = ${filter.state}`);
  if (filter.before !== undefined) conditions.push(sql`id < ${filter.before}::uuid`);
  const found = await sql<QuestionRow>`
    SELECT ${columns} FROM question WHERE ${sql.join(conditions, sql` AND `)}
    ORDER BY id DESC LIMIT ${filter.limit}`.execute(queryable);
  return found.rows;
}

/** What a job needs to know of its question, whoever owns it: it was given its id. */
export type WorkRow = Pick<QuestionRow, "workspace_id" | "question" | "scope"> & {
  readonly is_fresh: boolean;
};

/** Undefined when it was deleted. */
export async function readForWork(queryable: Queryable, id: string): Promise<WorkRow | undefined> {
  const found = await sql<WorkRow>`
    SELECT workspace_id, question, scope, is_fresh FROM question WHERE id = ${id}`.execute(queryable);
  return found.rows[0];
}
