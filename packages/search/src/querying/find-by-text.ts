import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import type { LanguageQuery } from "./language-queries.ts";
import { sourceCondition } from "./scope.ts";
import type { SearchScope } from "./scope.ts";

export type TextCandidate = {
  readonly id: string;
  readonly score: number;
  /** The share of the query's words that are in the passage, from 0 to 1. */
  readonly coverage: number;
};

/**
 * Passages that hold any of the words, best first, at most `limit`. The words are joined by OR: a question
 * holds words that no passage holds, and AND then finds nothing. Passages with all of them lead.
 */
export async function findByText(
  queryable: Queryable,
  scope: SearchScope,
  queries: readonly LanguageQuery[],
  limit: number,
): Promise<TextCandidate[]> {
  const searches = queries
    .filter((query) => query.any_word !== null)
    .map((query) => inLanguage(scope, query, limit));
  if (searches.length === 0) return [];
  const found = await sql<TextCandidate>`
    SELECT id, score, coverage FROM (${sql.join(searches, sql` UNION ALL `)}) AS found
    ORDER BY score DESC, id LIMIT ${limit}`.execute(queryable);
  return found.rows;
}

function inLanguage(scope: SearchScope, query: LanguageQuery, limit: number) {
  const { required, excluded } = query;
  const conditions = [
    sql`search_source.workspace_id = ${scope.workspaceId}`,
    sql`search_source.configuration = ${query.configuration}`,
    sql`chunk.words @@ ${query.any_word}::tsquery`,
    ...(required === null ? [] : [sql`chunk.words @@ ${required}::tsquery`]),
    ...(excluded === null ? [] : [sql`NOT chunk.words @@ ${excluded}::tsquery`]),
    ...sourceCondition(scope, { source: sql`search_source.id`, chunk: sql`chunk.id` }),
  ];
  // The words are counted for the best only.
  return sql`
    (SELECT id, score, (SELECT count(*) FROM unnest(${[...query.lexemes]}::text[]) AS lexeme
                        WHERE words @@ lexeme::tsquery)::float8 / ${query.lexemes.length}::int AS coverage
     FROM (
       SELECT chunk.id, chunk.words, (ts_rank(chunk.words, ${query.any_word}::tsquery, 1)
              + ts_rank_cd(chunk.words, ${query.all_words}::tsquery))::float8 AS score
       FROM search_source JOIN chunk ON chunk.source_id = search_source.id
       WHERE ${sql.join(conditions, sql` AND `)}
       ORDER BY score DESC, chunk.id LIMIT ${limit}) AS best)`;
}
