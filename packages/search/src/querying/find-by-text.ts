import type { Database, Queryable } from "@millrace/database";
import { sql } from "kysely";
import { findByFrequentText } from "./find-by-frequent-text.ts";
import type { LanguageQuery } from "./language-queries.ts";
import type { SearchScope } from "./scope.ts";
import { coverageOf, passageConditions, scoreOf, sourcesInLanguage } from "./text-ranking.ts";
import type { TextCandidate } from "./text-ranking.ts";

/** In workspaces of up to so many passages every one with a word is ranked, which takes some 20 µs each. */
const allRankedUpTo = 2_000;

/**
 * The index of words is of all workspaces. Where an installation has so many times the passages of one, those of the
 * one are read instead: the index would give the passages of all others that hold a frequent word.
 */
const othersPerOwn = 4;

/**
 * Passages that hold any of the words, best first, at most `limit`, and so many where they exist. The words are
 * joined by OR: a question holds words that no passage holds, and AND then finds nothing. Passages with all of
 * them lead.
 */
export async function findByText(
  database: Database,
  scope: SearchScope,
  queries: readonly LanguageQuery[],
  limit: number,
): Promise<TextCandidate[]> {
  const searches = queries.filter((query) => query.any_word !== null);
  if (searches.length === 0) return [];
  const passages = queries.reduce((sum, query) => sum + query.passages, 0);
  return passages <= allRankedUpTo
    ? await rankAll(database.queryable, scope, { queries: searches, limit })
    : await findByFrequentText(database, scope, { queries: searches, limit });
}

async function rankAll(
  queryable: Queryable,
  scope: SearchScope,
  { queries, limit }: { readonly queries: readonly LanguageQuery[]; readonly limit: number },
): Promise<TextCandidate[]> {
  const found = await sql<TextCandidate>`
    SELECT id, score, coverage FROM (${sql.join(
      queries.map((query) => inLanguage(scope, query, limit)),
      sql` UNION ALL `,
    )}) AS found
    ORDER BY score DESC, id LIMIT ${limit}`.execute(queryable);
  return found.rows;
}

function inLanguage(scope: SearchScope, query: LanguageQuery, limit: number) {
  const { required } = query;
  const isByIndex = query.all_passages <= othersPerOwn * query.passages;
  const matches = [query.any_word, ...(required === null ? [] : [required])].map(
    (asked) => sql`chunk.words @@ ${asked}::tsquery`,
  );
  const conditions = [
    sql`chunk.source_id IN (${sourcesInLanguage(scope, query)})`,
    ...passageConditions(scope, query),
    // No index has the longer expression.
    ...matches.map((isMatch) => (isByIndex ? isMatch : sql`coalesce(${isMatch}, false)`)),
  ];
  return sql`
    (SELECT id, score, ${coverageOf(query)} AS coverage
     FROM (
       SELECT chunk.id, chunk.words, ${scoreOf(query)} AS score
       FROM chunk WHERE ${sql.join(conditions, sql` AND `)}
       ORDER BY score DESC, chunk.id LIMIT ${limit}) AS best)`;
}
