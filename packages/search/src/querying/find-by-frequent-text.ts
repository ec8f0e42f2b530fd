import type { Database, Transaction } from "@millrace/database";
import { sql } from "kysely";
import type { LanguageQuery } from "./language-queries.ts";
import type { SearchScope } from "./scope.ts";
import { coverageOf, passageConditions, scoreOf, sourcesInLanguage } from "./text-ranking.ts";
import type { TextCandidate } from "./text-ranking.ts";

/**
 * A word that is in more passages than this is not looked for by itself while rarer words find enough: it tells
 * little, and there is no end of its passages. Shared by the words of long queries, but for the least.
 */
const mostOfOneWord = 1_000;
const mostOfAllWords = 5_000;
const leastOfOneWord = 200;

/** What was counted is of all workspaces and some time ago: a word is taken as frequent when it must be so by far. */
const knownFactor = 3;

/** Passages that are ranked: those with the most and the rarest words, of equal ones the newest. */
const mostRanked = 1_000;

type Asked = { readonly query: LanguageQuery; readonly limit: number };

/**
 * The same for many passages, of which many hold a word. Only the best by number and rarity of their words are
 * read and ranked, and those that hold nothing but frequent words when there are not enough others. Which
 * passages hold a word is read from the index alone.
 */
export async function findByFrequentText(
  database: Database,
  scope: SearchScope,
  { queries, limit }: { readonly queries: readonly LanguageQuery[]; readonly limit: number },
): Promise<TextCandidate[]> {
  const found = await database.transaction(async (transaction) => {
    await planForWords(transaction);
    const all: TextCandidate[] = [];
    for (const query of queries) all.push(...(await inLanguage(transaction, scope, { query, limit })));
    return all;
  });
  return found.toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1)).slice(0, limit);
}

/**
 * The planner takes words that are stored out of line for as cheap to read as others, and would read the whole table
 * where the index is ten times as fast. For this transaction only: behind pgBouncer the connection is shared.
 */
async function planForWords(transaction: Transaction): Promise<void> {
  await sql`
    SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),
           set_config('max_parallel_workers_per_gather', '0', true)`.execute(transaction);
}

async function inLanguage(
  transaction: Transaction,
  scope: SearchScope,
  asked: Asked,
): Promise<TextCandidate[]> {
  const { lexemes, required } = asked.query;
  // A phrase's words are among those of the query.
  const parts = required === null ? lexemes : [required];
  const share = Math.floor(mostOfAllWords / parts.length);
  const mostOfEach = Math.max(leastOfOneWord, Math.min(mostOfOneWord, share));
  const rare = await rankBest(transaction, scope, { ...asked, parts, mostOfEach });
  const isEnough = rare.length >= asked.limit || rare[0]?.has_frequent === false;
  return isEnough ? rare : await rankBest(transaction, scope, { ...asked, parts, mostOfEach: null });
}

type Parts = Asked & { readonly parts: readonly string[]; readonly mostOfEach: number | null };

/** By the parts that are in at most `mostOfEach` passages; null: by all of them. */
async function rankBest(
  transaction: Transaction,
  scope: SearchScope,
  asked: Parts,
): Promise<(TextCandidate & { readonly has_frequent: boolean })[]> {
  const { query, parts, mostOfEach, limit } = asked;
  const conditions = [sql`chunk.source_id IN (SELECT id FROM source)`, ...passageConditions(scope, query)];
  const hits = parts.map(
    (part, at) => sql`
      (SELECT chunk.id, ${at}::int AS part
       FROM chunk WHERE ${sql.join([...conditions, sql`chunk.words @@ ${part}::tsquery`], sql` AND `)}
       LIMIT CASE WHEN EXISTS (SELECT FROM known WHERE lexeme = ${part}) THEN 0 ELSE ${mostOfEach}::int + 1 END)`,
  );
  // Whole weights: a sum of fractions depends on its order, and so would what is ranked.
  const found = await sql<TextCandidate & { readonly has_frequent: boolean }>`
    WITH source AS MATERIALIZED (${sourcesInLanguage(scope, query)}),
    known AS MATERIALIZED (${knownAsFrequent(asked)}),
    hit AS MATERIALIZED (${sql.join(hits, sql` UNION ALL `)}),
    frequency AS MATERIALIZED (
      SELECT part, (1e6::float8 / ln(1 + count(*)::float8))::int AS weight,
             coalesce(count(*) > ${mostOfEach}::int, false) AS is_frequent
      FROM hit GROUP BY part),
    candidate AS MATERIALIZED (
      SELECT hit.id FROM hit JOIN frequency USING (part) WHERE NOT is_frequent
      GROUP BY hit.id ORDER BY sum(weight) DESC, hit.id DESC LIMIT ${mostRanked})
    SELECT id, score, ${coverageOf(query)} AS coverage,
           EXISTS (SELECT FROM known) OR EXISTS (SELECT FROM frequency WHERE is_frequent) AS has_frequent
    FROM (
      SELECT chunk.id, chunk.words, ${scoreOf(query)} AS score
      FROM candidate JOIN chunk ON chunk.id = candidate.id
      ORDER BY score DESC, chunk.id LIMIT ${limit}) AS best
    ORDER BY score DESC, id`.execute(transaction);
  return found.rows;
}

/**
 * Words that are in so many more than `mostOfEach` passages, by what PostgreSQL has counted in all workspaces, that they
 * need not be looked up: a search in the index gathers all passages with a word before it gives the first.
 */
function knownAsFrequent({ query, parts, mostOfEach }: Parts) {
  return sql`
    SELECT quote_literal(lexeme) AS lexeme
    FROM pg_stats, unnest(most_common_elems::text::text[], most_common_elem_freqs) AS counted (lexeme, share)
    WHERE schemaname = current_schema() AND tablename = 'chunk' AND attname = 'words'
      AND quote_literal(lexeme) = ANY(${[...parts]}::text[])
      AND share * ${query.passages}::float8 > ${knownFactor}::int * ${mostOfEach}::int`;
}
