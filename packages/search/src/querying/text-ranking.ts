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

/** What holds of every passage that may be found, whatever words it has. */
export function languageConditions(scope: SearchScope, { configuration, excluded }: LanguageQuery) {
  return [
    sql`search_source.workspace_id = ${scope.workspaceId}`,
    sql`search_source.configuration = ${configuration}`,
    ...(excluded === null ? [] : [sql`NOT chunk.words @@ ${excluded}::tsquery`]),
    ...sourceCondition(scope, { source: sql`search_source.id`, chunk: sql`chunk.id` }),
  ];
}

/** Any of the words counts, by how often it is there; all of them, near each other, counts more. */
export function scoreOf(query: LanguageQuery) {
  return sql`
    (ts_rank(chunk.words, ${query.any_word}::tsquery, 1)
     + CASE WHEN chunk.words @@ ${query.all_words}::tsquery
            THEN ts_rank_cd(chunk.words, ${query.all_words}::tsquery) ELSE 0 END)::float8`;
}

/** Of a row with `words`; to be asked of the best only. */
export function coverageOf({ lexemes }: LanguageQuery) {
  return sql`
    (SELECT count(*) FROM unnest(${[...lexemes]}::text[]) AS lexeme
     WHERE words @@ lexeme::tsquery)::float8 / ${lexemes.length}::int`;
}
