import type { SummaryState } from "@millrace/contracts";
import type { Queryable, Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type { SummaryRow } from "./summary-row.ts";

// The text stays where it is: lists show how it begins.
const columns = sql`id, workspace_id, title, left(text, 200) AS excerpt, text_length, text_hash, language, text_language,
  state, result, model, extractive, coverage, prompts, input_tokens, output_tokens, cost::double precision AS cost,
  reused_from, reused_score, error, error_code, job_id, created_at, updated_at, started_at, finished_at`;

/** One summary of a workspace; undefined also for those of others. */
export async function findSummary(
  queryable: Queryable,
  workspaceId: string,
  id: string,
): Promise<SummaryRow | undefined> {
  const found = await sql<SummaryRow>`
    SELECT ${columns} FROM summary WHERE workspace_id = ${workspaceId} AND id = ${id}`.execute(queryable);
  return found.rows[0];
}

/** The same with the row locked until the transaction ends. */
export async function lockSummary(
  transaction: Transaction,
  workspaceId: string,
  id: string,
): Promise<SummaryRow | undefined> {
  const found = await sql<SummaryRow>`
    SELECT ${columns} FROM summary WHERE workspace_id = ${workspaceId} AND id = ${id} FOR UPDATE`.execute(
    transaction,
  );
  return found.rows[0];
}

export type SummaryFilter = {
  readonly state?: SummaryState | undefined;
  /** Words, or beginnings of words, of title, summary or text: all of them. */
  readonly search?: string | undefined;
  /** Summaries with a smaller id: the last of the page before. */
  readonly before?: string | undefined;
  readonly limit: number;
};

/** Summaries of a workspace, newest first. */
export async function listSummaries(
  queryable: Queryable,
  workspaceId: string,
  filter: SummaryFilter,
): Promise<SummaryRow[]> {
  const conditions = [sql`workspace_id = ${workspaceId}`];
  if (filter.state !== undefined) conditions.push(sql`state = ${filter.state}`);
  if (filter.search !== undefined) conditions.push(hasWords(filter.search));
  if (filter.before !== undefined) conditions.push(sql`id < ${filter.before}::uuid`);
  const found = await sql<SummaryRow>`
    SELECT ${columns} FROM summary WHERE ${sql.join(conditions, sql` AND `)}
    ORDER BY id DESC LIMIT ${filter.limit}`.execute(queryable);
  return found.rows;
}

/** As the index `summary_words` has them. Nothing but signs finds nothing. */
function hasWords(search: string): RawBuilder<boolean> {
  const words = search.normalize("NFC").match(/[\p{L}\p{N}]+/gu) ?? [];
  const query = words.map((word) => `'${word}':*`).join(" & ");
  return sql<boolean>`to_tsvector('simple', title || ' ' || coalesce(result, '') || ' ' || left(text, 100000))
    @@ to_tsquery('simple', ${query})`;
}

/** The text that a summary is made of; undefined when it was deleted. */
export async function readText(queryable: Queryable, id: string): Promise<string | undefined> {
  const found = await sql<{ text: string }>`SELECT text FROM summary WHERE id = ${id}`.execute(queryable);
  return found.rows[0]?.text;
}

/** What a job needs to know of its summary, whoever owns it: it was given its id. */
export type WorkRow = {
  readonly id: string;
  readonly workspace_id: string;
  readonly text_hash: string;
  readonly language: string | null;
  readonly state: SummaryState;
  readonly is_fresh: boolean;
  /** Since something of it changed, in milliseconds: for how long it waits when it waits for another. */
  readonly rested_ms: number;
};

/** Undefined when it was deleted. */
export async function readForWork(queryable: Queryable, id: string): Promise<WorkRow | undefined> {
  const found = await sql<WorkRow>`
    SELECT id, workspace_id, text_hash, language, state, is_fresh,
           extract(epoch FROM now() - updated_at)::double precision * 1000 AS rested_ms
    FROM summary WHERE id = ${id}`.execute(queryable);
  return found.rows[0];
}

/** What a summary of the same text came to, or that it is still being made. */
export type Twin = Pick<
  SummaryRow,
  "id" | "state" | "result" | "model" | "extractive" | "coverage" | "prompts" | "text_language"
>;

export const twinColumns = sql`id, state, result, model, extractive, coverage, prompts, text_language`;

/**
 * A summary of the same text in the same language by the same recipe, of the same workspace: the newest that is
 * completed, else one that began before this one and is not done. A completed one that was taken from another is as
 * good as that. Others that look for the same text wait until the transaction ends, so that the first that begins is
 * seen by the next.
 */
export async function findTwin(
  transaction: Transaction,
  row: WorkRow,
  recipe: string,
): Promise<Twin | undefined> {
  await sql`
    SELECT pg_advisory_xact_lock(hashtextextended(${`summary text ${row.workspace_id} ${row.text_hash}`}, 0))`.execute(
    transaction,
  );
  // Not by age alone: the id of a request on another machine may be smaller, and be seen later. One that has begun
  // waits for earlier ones only, or two that are tried again would wait for each other.
  const found = await sql<Twin>`
    SELECT ${twinColumns} FROM summary
    WHERE workspace_id = ${row.workspace_id} AND text_hash = ${row.text_hash} AND id <> ${row.id}
      AND language IS NOT DISTINCT FROM ${row.language}::text AND recipe = ${recipe}
      AND (state = 'completed' OR (state = 'processing' AND (started_at, id) < (
        SELECT coalesce(own.started_at, 'infinity'), own.id FROM summary AS own WHERE own.id = ${row.id})))
    ORDER BY (state = 'completed') DESC, id DESC
    LIMIT 1`.execute(transaction);
  return found.rows[0];
}
