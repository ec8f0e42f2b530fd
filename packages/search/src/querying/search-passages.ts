import type { Database } from "@millrace/database";
import { newId } from "@millrace/kernel";
import type { EmbeddingModel } from "../spaces/embedding-space.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import type { Position } from "./cursor.ts";
import { embeddingQuality } from "./embedding-quality.ts";
import type { EmbeddingQuality } from "./embedding-quality.ts";
import { compareVectors, findByVector } from "./find-by-vector.ts";
import type { VectorCandidate } from "./find-by-vector.ts";
import { findByText } from "./find-by-text.ts";
import type { FindPages } from "./find-places.ts";
import { findSpace } from "./find-space.ts";
import { fuse } from "./fuse.ts";
import type { Fused } from "./fuse.ts";
import { readLanguageQueries } from "./language-queries.ts";
import type { ParsedQuery } from "./parse-query.ts";
import { readPassages } from "./read-hits.ts";
import type { Passage } from "./read-hits.ts";
import type { SearchScope } from "./scope.ts";

/** A query as a vector of the model that the passages were embedded with. */
export type QueryVector = EmbeddingModel & {
  readonly isBuiltIn: boolean;
  readonly vector: readonly number[];
};

export type SearchRequest = SearchScope & {
  readonly query: ParsedQuery;
  /** Undefined: full text alone. */
  readonly vector: QueryVector | undefined;
  /** Leaves out what only words find, to judge the vectors. Default false. */
  readonly isByVectorAlone?: boolean | undefined;
  readonly limit: number;
  /** Of the page before; `asked` says what for. */
  readonly cursor?: string | undefined;
  /** Then a hit names page and section of its first match. Default: those of the passage's beginning, without a further read. */
  readonly findPages?: FindPages | undefined;
  /** Everything that the hits depend on, as text: a cursor is refused for anything else. */
  readonly asked: string;
};

export type PassageHit = Passage & Pick<Fused, "score" | "text" | "vectors">;

export type SearchPage = {
  readonly hits: readonly PassageHit[];
  readonly nextCursor: string | null;
  /** No passage holds half of the words, and none is near in meaning. */
  readonly hasNoGoodMatch: boolean;
  /** How the vectors were searched: every one compared, by the index, only those that full text found, not for its damage, or not at all. */
  readonly vectorMethod: "exact" | "index" | "reordered" | "broken" | "none";
  readonly weights: { readonly text: number; readonly vectors: number };
};

/** How deep each side goes: hits beyond are not reached by further pages either. */
const depth = 100;

/**
 * Passages of a workspace, best first: full text and vectors, fused by their places. Complete on both sides up
 * to their hundredth passage, whatever else the installation holds. Throws `invalid_cursor`.
 */
export async function searchPassages(database: Database, request: SearchRequest): Promise<SearchPage> {
  const { query, vector, limit, asked } = request;
  const after = request.cursor === undefined ? undefined : readCursor(request.cursor, asked);
  const newest = after?.newest ?? newId();
  // Not on the first page: what another machine has just stored may have an id of a later millisecond.
  const scope = { workspaceId: request.workspaceId, sources: request.sources, newest: after?.newest };
  const quality = embeddingQuality({ isBuiltIn: vector?.isBuiltIn ?? true });
  const { queries, ...found } = await findBoth(database, { scope, query, vector, quality });
  const weights = { text: 1, vectors: vector === undefined ? 0 : quality.weight };
  const ranked = fuse(request.isByVectorAlone === true ? [] : found.text, found.vectors, weights);
  const rest = ranked.slice(after === undefined ? 0 : placeAfter(ranked, after));
  const page = rest.slice(0, limit);
  const ids = page.map(({ id }) => id);
  const passages = await readPassages(database.queryable, ids, {
    workspaceId: request.workspaceId,
    queries,
    words: query.words.split(/\s+/),
    findPages: request.findPages,
  });
  const last = page.at(-1);
  return {
    hits: page.flatMap(({ id, score, text, vectors }) => {
      const passage = passages.get(id);
      return passage === undefined ? [] : [{ ...passage, score, text, vectors }];
    }),
    nextCursor:
      last === undefined || rest.length <= limit
        ? null
        : writeCursor({ id: last.id, score: last.score, newest: laterOf(newest, ranked) }, asked),
    hasNoGoodMatch: !ranked.some((hit) => isGood(hit, quality)),
    vectorMethod: found.method,
    weights,
  };
}

type BothRequest = {
  readonly scope: SearchScope;
  readonly query: ParsedQuery;
  readonly vector: QueryVector | undefined;
  readonly quality: EmbeddingQuality;
};

/** Words and vectors at the same time, from the first statement on. */
async function findBoth(database: Database, request: BothRequest) {
  const { query, quality } = request;
  // What must or must not be in a passage only full text can tell: vectors put in order what it found.
  const isReordered = query.phrases.length > 0 || query.excluded.length > 0;
  const words = findWords(database, request);
  const nearest = findNearest(database, request, isReordered ? async () => (await words).text : undefined);
  const [{ queries, text }, { candidates, method }] = await Promise.all([words, nearest]);
  const vectors = candidates.filter(({ similarity }) => similarity >= quality.leastSimilarity);
  return { queries, text, vectors, method };
}

async function findWords(database: Database, { scope, query }: BothRequest) {
  const queries = await readLanguageQueries(database.queryable, scope.workspaceId, query);
  return { queries, text: await findByText(database, scope, queries, depth) };
}

/** The nearest passages, of those that `among` gives where it is given. */
async function findNearest(
  database: Database,
  { scope, vector }: BothRequest,
  among: (() => Promise<readonly { readonly id: string }[]>) | undefined,
): Promise<{ readonly candidates: readonly VectorCandidate[]; readonly method: SearchPage["vectorMethod"] }> {
  if (vector === undefined) return { candidates: [], method: "none" };
  const { queryable } = database;
  const space = await findSpace(queryable, { ...vector, dimensions: vector.vector.length }, scope);
  if (space === undefined) return { candidates: [], method: "none" };
  if (among === undefined) {
    return await findByVector(queryable, space, { scope, vector: vector.vector, limit: depth });
  }
  const ids = (await among()).map(({ id }) => id);
  return await compareVectors(queryable, space, { ids, vector: vector.vector });
}

/** Behind the last hit of the page before; where that is gone meanwhile, behind its score. */
function placeAfter(ranked: readonly Fused[], { id, score }: Position): number {
  const place = ranked.findIndex((hit) => hit.id === id);
  if (place >= 0) return place + 1;
  const next = ranked.findIndex((hit) => hit.score < score);
  return next >= 0 ? next : ranked.length;
}

function laterOf(newest: string, ranked: readonly Fused[]): string {
  return ranked.reduce((latest, { id }) => (id > latest ? id : latest), newest);
}

function isGood({ text, vectors }: Fused, quality: EmbeddingQuality): boolean {
  return (text?.coverage ?? 0) >= 0.5 || (vectors?.similarity ?? -1) >= quality.goodSimilarity;
}
