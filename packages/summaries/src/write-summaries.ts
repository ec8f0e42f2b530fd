import { jsonText } from "@millrace/database";
import type { Transaction } from "@millrace/database";
import type { Access } from "@millrace/kernel";
import { sql } from "kysely";

export type NewSummary = {
  readonly id: string;
  readonly jobId: string;
  readonly title: string;
  readonly text: string;
  readonly textHash: string;
  readonly language: string | null;
  readonly isFresh: boolean;
};

export async function insertSummary(
  transaction: Transaction,
  access: Access,
  summary: NewSummary,
): Promise<void> {
  const { id, jobId, title, text, textHash, language, isFresh } = summary;
  await sql`
    INSERT INTO summary (id, workspace_id, person_id, title, text, text_length, text_hash, language, is_fresh, state, job_id)
    VALUES (${id}, ${access.workspaceId}, ${access.personId}, ${title}, ${text}, ${text.length}, ${textHash}, ${language},
            ${isFresh}, 'queued', ${jobId})`.execute(transaction);
}

/** Says that work goes on, by this recipe. The first start is kept. */
export async function markProcessing(transaction: Transaction, id: string, recipe: string): Promise<void> {
  await sql`
    UPDATE summary SET state = 'processing', recipe = ${recipe}, started_at = coalesce(started_at, now()),
           updated_at = now()
    WHERE id = ${id} AND state IN ('queued', 'processing')`.execute(transaction);
}

/** Keeps the vector of a text, by which summaries of nearly the same text are found. */
export async function storeVector(
  transaction: Transaction,
  id: string,
  { vector, space }: { readonly vector: readonly number[]; readonly space: string },
): Promise<void> {
  const written = `[${vector.map((value) => Number(value.toPrecision(7))).join(",")}]`;
  await sql`UPDATE summary SET text_vector = ${written}::vector, vector_space = ${space} WHERE id = ${id}`.execute(
    transaction,
  );
}

/** Back to waiting, for a job that a person retries. */
export async function markQueued(transaction: Transaction, id: string): Promise<void> {
  await sql`
    UPDATE summary SET state = 'queued', recipe = NULL, result = NULL, model = NULL, extractive = false, coverage = NULL,
           prompts = '[]', input_tokens = NULL, output_tokens = NULL, cost = NULL, reused_from = NULL, reused_score = NULL,
           error = NULL, error_code = NULL, started_at = NULL, finished_at = NULL, updated_at = now()
    WHERE id = ${id}`.execute(transaction);
}

/** What a summary came to. */
export type Made = {
  readonly result: string;
  readonly text_language: string | null;
  readonly model: string;
  readonly extractive: boolean;
  readonly coverage: number;
  readonly prompts: readonly string[];
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cost: number | null;
  readonly reused_from: string | null;
  readonly reused_score: number | null;
};

export async function markCompleted(transaction: Transaction, id: string, made: Made): Promise<void> {
  await sql`
    UPDATE summary SET state = 'completed', result = ${made.result}, text_language = ${made.text_language},
           model = ${made.model}, extractive = ${made.extractive}, coverage = ${made.coverage},
           prompts = ${jsonText(made.prompts)}::jsonb, input_tokens = ${made.input_tokens},
           output_tokens = ${made.output_tokens}, cost = ${made.cost}, reused_from = ${made.reused_from}, reused_score = ${made.reused_score},
           finished_at = now(), updated_at = now()
    WHERE id = ${id}`.execute(transaction);
}

/** The end of a summary that did not come to be. `error` only of a failed one. */
export async function markUnmade(
  transaction: Transaction,
  id: string,
  state: "failed" | "cancelled",
  error?: { readonly code: string; readonly message: string },
): Promise<void> {
  await sql`
    UPDATE summary SET state = ${state}, error = ${error?.message ?? null}, error_code = ${error?.code ?? null},
           finished_at = now(), updated_at = now()
    WHERE id = ${id}`.execute(transaction);
}
