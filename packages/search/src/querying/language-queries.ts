import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import { separateWords } from "../indexing/separate-words.ts";
import type { ParsedQuery } from "./parse-query.ts";

/** A query as the text search of one language reads it; each part is a tsquery as text. */
export type LanguageQuery = {
  readonly configuration: string;
  /** What its words were read by: `simple` where they are all too common to be looked for in this language. */
  readonly reading: string;
  /** How many passages the workspace has in this language. */
  readonly passages: number;
  /** How many all workspaces have in all languages, about; less than none when nobody has counted yet. */
  readonly all_passages: number;
  /** Null when there is no word: signs alone. */
  readonly any_word: string | null;
  readonly all_words: string;
  /** The words one by one. */
  readonly lexemes: readonly string[];
  readonly required: string | null;
  readonly excluded: string | null;
};

/**
 * The query in each language that the workspace has texts in. Words and phrases that are nothing but stop words
 * there ("to be or not to be") are looked for as written, which every passage is indexed by as well. Read apart
 * from the search itself, so that the planner sees which words are looked for, and whether they are rare.
 */
export async function readLanguageQueries(
  queryable: Queryable,
  workspaceId: string,
  query: ParsedQuery,
): Promise<LanguageQuery[]> {
  const words = separateWords(query.words);
  const phrases = query.phrases.map(separateWords);
  const excluded = query.excluded.map(separateWords);
  const found = await sql<LanguageQuery>`
    WITH languages AS (
      SELECT configuration, sum(chunk_count)::float8 AS passages
      FROM search_source WHERE workspace_id = ${workspaceId} GROUP BY configuration
    ), read AS (
      SELECT languages.*,
             CASE WHEN numnode(plainto_tsquery(configuration::regconfig, ${words})) = 0 THEN 'simple'
                  ELSE configuration END AS reading
      FROM languages
    ), queries AS (
      SELECT read.*, plainto_tsquery(reading::regconfig, ${words})::text AS all_words FROM read
    )
    SELECT configuration, reading, passages, all_words,
           (SELECT reltuples::float8 FROM pg_class WHERE oid = 'chunk'::regclass) AS all_passages,
           nullif(replace(all_words, ' & ', ' | '), '') AS any_word,
           coalesce(string_to_array(nullif(all_words, ''), ' & '), '{}') AS lexemes,
           ${joined(phrases, " & ")} AS required, ${joined(excluded, " | ")} AS excluded
    FROM queries ORDER BY configuration`.execute(queryable);
  return found.rows;
}

function joined(phrases: readonly string[], operator: string) {
  return sql`(
    SELECT string_agg('(' || asked.phrase || ')', ${operator}::text)
    FROM (SELECT coalesce(nullif(phraseto_tsquery(configuration::regconfig, phrase)::text, ''),
                          phraseto_tsquery('simple', phrase)::text) AS phrase
          FROM unnest(${[...phrases]}::text[]) AS phrase) AS asked
    WHERE asked.phrase <> '')`;
}
