import type { Transaction } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { sql } from "kysely";
import type { Chunk } from "../chunking/chunk-text.ts";
import { indexBroken, isBrokenIndex } from "./broken-index.ts";
import { separateWords } from "./separate-words.ts";
import { textSearchConfiguration } from "./text-search-configuration.ts";

export type Source = {
  readonly id: string;
  readonly workspaceId: string;
  /** ISO 639-1, or null when it is not known: then words are indexed as written. */
  readonly language: string | null;
  readonly chunkCount: number;
};

/**
 * Begins a source anew: what was indexed of it before is gone when the transaction commits. Throws `index_broken`,
 * which puts a job off.
 */
export async function beginSource(transaction: Transaction, source: Source): Promise<void> {
  await removeSource(transaction, source.id);
  // Older servers lack some languages: the database says what it has.
  const wanted = textSearchConfiguration(source.language);
  await sql`
    INSERT INTO search_source (id, workspace_id, configuration, chunk_count)
    SELECT ${source.id}, ${source.workspaceId}, coalesce(
      (SELECT cfgname FROM pg_ts_config WHERE cfgname = ${wanted} AND cfgnamespace = 'pg_catalog'::regnamespace),
      'simple'), ${source.chunkCount}`.execute(transaction);
}

/** Takes a source and its passages out of search. Idempotent. Throws `index_broken`. */
export async function removeSource(transaction: Transaction, id: string): Promise<void> {
  try {
    await sql`DELETE FROM search_source WHERE id = ${id}`.execute(transaction);
  } catch (error) {
    throw isBrokenIndex(error) ? indexBroken(error) : error;
  }
}

/** Keeps a source with its passages and vectors, and lets nobody find it until it is shown. Idempotent. */
export async function hideSource(transaction: Transaction, id: string): Promise<void> {
  await sql`UPDATE search_source SET hidden_at = now() WHERE id = ${id}`.execute(transaction);
}

/** Lets a hidden source be found again. Idempotent. */
export async function showSource(transaction: Transaction, id: string): Promise<void> {
  await sql`UPDATE search_source SET hidden_at = NULL WHERE id = ${id}`.execute(transaction);
}

/** Adds passages of a source that has begun; those with a known ordinal are left as they are. */
export async function addChunks(
  transaction: Transaction,
  source: Source,
  chunks: readonly Chunk[],
): Promise<void> {
  await sql`
    INSERT INTO chunk (id, workspace_id, source_id, ordinal, char_start, char_end, page, section, text,
                       token_count, content_hash, words)
    SELECT fresh.id, ${source.workspaceId}::uuid, ${source.id}::uuid, ordinal, char_start, char_end, page, section, text,
           token_count, content_hash, to_tsvector(configuration::regconfig, spaced) || to_tsvector('simple', spaced)
    FROM unnest(${chunks.map(() => newId())}::uuid[], ${chunks.map((chunk) => chunk.ordinal)}::int[],
                ${chunks.map((chunk) => chunk.charStart)}::int[], ${chunks.map((chunk) => chunk.charEnd)}::int[],
                ${chunks.map((chunk) => chunk.page)}::int[], ${chunks.map((chunk) => chunk.section)}::text[],
                ${chunks.map((chunk) => chunk.text)}::text[],
                ${chunks.map((chunk) => chunk.tokenCount)}::int[], ${chunks.map((chunk) => chunk.contentHash)}::text[],
                ${chunks.map((chunk) => separateWords(chunk.text))}::text[])
      AS fresh (id, ordinal, char_start, char_end, page, section, text, token_count, content_hash, spaced)
    JOIN search_source ON search_source.id = ${source.id}
    ON CONFLICT (source_id, ordinal) DO NOTHING`.execute(transaction);
}
