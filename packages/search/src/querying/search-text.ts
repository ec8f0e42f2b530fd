import type { Highlight } from "@millrace/contracts";
import type { Database } from "@millrace/database";
import { sql } from "kysely";
import { separateWords } from "../indexing/separate-words.ts";
import { highlightWords, matchEnd, matchStart, parseHighlights } from "./highlights.ts";

export type TextHit = {
  readonly sourceId: string;
  readonly chunkId: string;
  readonly ordinal: number;
  readonly charStart: number;
  readonly charEnd: number;
  readonly page: number | null;
  readonly score: number;
  readonly passage: readonly Highlight[];
};

type HitRow = {
  id: string;
  source_id: string;
  ordinal: number;
  char_start: number;
  char_end: number;
  page: number | null;
  score: number;
  text: string;
  marked: string;
};

/**
 * Passages of a workspace that hold any of the query's words, best first. The words are joined by
 * OR: a question holds words that no passage holds, and AND then finds nothing. Passages that hold
 * all of them, or the phrase in quotation marks, lead. A query of nothing but signs finds nothing.
 */
export async function searchText(
  database: Database,
  request: { readonly workspaceId: string; readonly query: string; readonly limit: number },
): Promise<TextHit[]> {
  const spaced = separateWords(request.query);
  const found = await sql<HitRow>`
    WITH languages AS (
      SELECT DISTINCT configuration::regconfig AS configuration FROM search_source
      WHERE workspace_id = ${request.workspaceId}
    ), queries AS (
      SELECT configuration,
             nullif(replace(plainto_tsquery(configuration, ${spaced})::text, ' & ', ' | '), '')::tsquery AS any_word,
             websearch_to_tsquery(configuration, ${spaced}) AS all_words
      FROM languages
    ), hits AS (
      SELECT chunk.id, chunk.source_id, chunk.ordinal, chunk.char_start, chunk.char_end, chunk.page, chunk.text,
             queries.configuration, queries.any_word,
             ts_rank(chunk.words, queries.any_word, 1) + ts_rank_cd(chunk.words, queries.all_words) AS score
      FROM queries
      JOIN search_source ON search_source.configuration::regconfig = queries.configuration
        AND search_source.workspace_id = ${request.workspaceId}
      JOIN chunk ON chunk.source_id = search_source.id AND chunk.words @@ queries.any_word
      WHERE queries.any_word IS NOT NULL
      ORDER BY score DESC, chunk.id LIMIT ${request.limit}
    )
    SELECT id, source_id, ordinal, char_start, char_end, page, score, text,
           ts_headline(configuration, text, any_word, ${headlineOptions}) AS marked
    FROM hits ORDER BY score DESC, id`.execute(database.queryable);
  const words = spaced.split(/\s+/);
  return found.rows.map((row) => ({
    sourceId: row.source_id,
    chunkId: row.id,
    ordinal: row.ordinal,
    charStart: row.char_start,
    charEnd: row.char_end,
    page: row.page,
    score: row.score,
    passage: row.marked.includes(matchStart) ? parseHighlights(row.marked) : highlightWords(row.text, words),
  }));
}

const headlineOptions = `StartSel=${matchStart}, StopSel=${matchEnd}, MaxFragments=2, MaxWords=36, MinWords=18, FragmentDelimiter=" … "`;
