import { jsonText } from "@millrace/database";
import type { Transaction } from "@millrace/database";
import type { Access } from "@millrace/kernel";
import { sql } from "kysely";
import type { AnswerOutput } from "./answer/answer-task.ts";
import type { WrittenPiece } from "./answer/written-text.ts";
import type { QuestionScope } from "./question-row.ts";

export type NewQuestion = {
  readonly id: string;
  readonly jobId: string;
  readonly question: string;
  readonly scope: QuestionScope;
  readonly isFresh: boolean;
};

export async function insertQuestion(
  transaction: Transaction,
  access: Access,
  { id, jobId, question, scope, isFresh }: NewQuestion,
): Promise<void> {
  await sql`
    INSERT INTO question (id, workspace_id, person_id, question, scope, is_fresh, state, job_id)
    VALUES (${id}, ${access.workspaceId}, ${access.personId}, ${question}, ${jsonText(scope)}::jsonb, ${isFresh},
            'queued', ${jobId})`.execute(transaction);
}

/** Says that work goes on. The first start is kept; what an attempt before wrote is void. */
export async function markProcessing(transaction: Transaction, id: string): Promise<void> {
  await sql`
    UPDATE question SET state = 'processing', partial_answer = NULL, started_at = coalesce(started_at, now()),
           updated_at = now()
    WHERE id = ${id} AND state IN ('queued', 'processing')`.execute(transaction);
}

/** Keeps a piece of the answer with those before it, for whoever looks before it is done, or when it never is. */
export async function writePartialAnswer(
  transaction: Transaction,
  id: string,
  { text, reset }: WrittenPiece,
): Promise<void> {
  await sql`
    UPDATE question SET partial_answer = CASE WHEN ${reset} THEN '' ELSE coalesce(partial_answer, '') END || ${text}::text
    WHERE id = ${id} AND state = 'processing'`.execute(transaction);
}

/** Back to waiting, for a job that a person retries. */
export async function markQueued(transaction: Transaction, id: string): Promise<void> {
  await sql`
    UPDATE question SET state = 'queued', outcome = NULL, answer = NULL, partial_answer = NULL, citations = '[]',
           removed_citations = 0, nearest = '[]', passages_read = NULL, model = NULL, extractive = false, prompts = '[]',
           input_tokens = NULL, output_tokens = NULL, cost = NULL, error = NULL, error_code = NULL, started_at = NULL,
           finished_at = NULL, updated_at = now()
    WHERE id = ${id}`.execute(transaction);
}

export async function markAnswered(transaction: Transaction, id: string, given: AnswerOutput): Promise<void> {
  await sql`
    UPDATE question SET state = 'completed', outcome = ${given.outcome}, answer = ${given.answer}, partial_answer = NULL,
           citations = ${jsonText(given.citations)}::jsonb, removed_citations = ${given.removed_citations},
           nearest = ${jsonText(given.nearest)}::jsonb, passages_read = ${given.passages_read}, model = ${given.model},
           extractive = ${given.extractive}, prompts = ${jsonText(given.prompts)}::jsonb,
           input_tokens = ${given.input_tokens}, output_tokens = ${given.output_tokens}, cost = ${given.cost},
           finished_at = now(), updated_at = now()
    WHERE id = ${id}`.execute(transaction);
}

/** The end of a question without an answer: what was written of one stays as that. `error` only of a failed one. */
export async function markUnanswered(
  transaction: Transaction,
  id: string,
  state: "failed" | "cancelled",
  error?: { readonly code: string; readonly message: string },
): Promise<void> {
  await sql`
    UPDATE question SET state = ${state}, error = ${error?.message ?? null}, error_code = ${error?.code ?? null},
           partial_answer = nullif(partial_answer, ''), finished_at = now(), updated_at = now()
    WHERE id = ${id}`.execute(transaction);
}
