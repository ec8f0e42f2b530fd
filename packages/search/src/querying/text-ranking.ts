import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type { LanguageQuery } from "./language-queries.ts";
import type { SearchScope } from "./scope.ts";

export type TextCandidate = {
  readonly id: string;
  readonly score: number;
  /** The share of the query's words that are in the passage, from 0 to 1. */
  readonly coverage: number;
};

/** A query that gives the ids of the sources in a language that may be found. */
export function sourcesInLanguage(
  { workspaceId, sources }: SearchScope,
  { configuration }: Pick<LanguageQuery, "configuration">,
): RawBuilder<unknown> {
  const conditions = [
    sql`workspace_id = ${workspaceId}`,
    sql`configuration = ${configuration}`,
    sql`hidden_at IS NULL`,
    ...(sources === undefined ? [] : [sql`id IN (${sources})`]),
  ];
  return sql`SELECT id FROM search_source WHERE ${sql.join(conditions, sql` AND `)}`;
}

/** What else holds of every passage of theirs that may be found, whatever words it has. */
export function passageConditions({ newest }: SearchScope, { excluded }: Pick<LanguageQuery, "excluded">) {
  return [
    ...(excluded === null ? [] : [sql`NOT chunk.words @@ ${excluded}::tsquery`]),
    ...(newest === undefined ? [] : [sql`chunk.id <= ${newest}::uuid`]),
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
