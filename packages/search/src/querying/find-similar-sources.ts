import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import { isBrokenIndex, markBrokenIndex } from "../indexing/broken-index.ts";
import { isShown } from "./scope.ts";

/** A source that is like another, and the passage of it that is most like the other as a whole. */
type SimilarSource = {
  readonly sourceId: string;
  /** The cosine of the means of both sources' vectors, from -1 to 1. */
  readonly similarity: number;
  readonly passage: {
    readonly charStart: number;
    readonly charEnd: number;
    readonly page: number | null;
    readonly section: string | null;
    readonly text: string;
  };
};

type SimilarSources = {
  /** Whose vectors were compared; null when none were. */
  readonly model: string | null;
  /** Why none were: the source has none of an active space, or they can't be read until upkeep has been there. */
  readonly reason: "not_embedded" | "index_broken" | null;
  readonly found: readonly SimilarSource[];
};

/**
 * Means of vectors that are less near say nothing. Untuned defaults: too low lists what only shares its language,
 * too high hides relatives.
 */
const leastOfBuiltIn = 0.3;
const leastOfTrained = 0.4;

type SimilarRequest = {
  readonly workspaceId: string;
  readonly sourceId: string;
  /** What is less alike is left out. Default: what means something with the model. */
  readonly leastSimilarity?: number | undefined;
  readonly limit: number;
};

/**
 * Sources of the same workspace that are like one of them, most alike first. Every source with vectors in the
 * active space is compared, so nothing is missed: the time grows with the owner's passages. A broken index is
 * marked.
 */
export async function findSimilarSources(
  queryable: Queryable,
  request: SimilarRequest,
): Promise<SimilarSources> {
  try {
    return await compareSources(queryable, request);
  } catch (error) {
    if (!isBrokenIndex(error)) throw error;
    await markBrokenIndex(queryable, undefined);
    return { model: null, reason: "index_broken", found: [] };
  }
}

async function compareSources(queryable: Queryable, request: SimilarRequest): Promise<SimilarSources> {
  const { workspaceId, sourceId } = request;
  const space = await findSpaceOf(queryable, request);
  if (space === undefined) return { model: null, reason: "not_embedded", found: [] };
  const { leastSimilarity = space.is_built_in ? leastOfBuiltIn : leastOfTrained } = request;
  const ofOwner = sql`space_id = ${space.id} AND workspace_id = ${workspaceId}`;
  const found = await sql<Row>`
    WITH own AS MATERIALIZED (
      SELECT avg(embedding) AS mean FROM chunk_embedding WHERE ${ofOwner} AND source_id = ${sourceId}),
    means AS (
      SELECT source_id, avg(embedding) AS mean FROM chunk_embedding
      WHERE ${ofOwner} AND source_id <> ${sourceId} AND ${isShown(workspaceId, sql`source_id`)} GROUP BY source_id),
    nearest AS MATERIALIZED (
      SELECT source_id, 1 - (means.mean <=> own.mean) AS similarity FROM means, own
      -- The angle to a vector of zeros is no number, and no number is greater than it.
      WHERE means.mean <=> own.mean <= ${1 - leastSimilarity}::double precision
      ORDER BY similarity DESC, source_id DESC LIMIT ${request.limit})
    SELECT nearest.source_id, similarity, char_start, char_end, page, section, text
    FROM nearest, own, LATERAL (
      SELECT chunk_id FROM chunk_embedding WHERE ${ofOwner} AND source_id = nearest.source_id
      ORDER BY embedding <=> own.mean, chunk_id LIMIT 1) AS best
    JOIN chunk ON chunk.id = best.chunk_id
    ORDER BY similarity DESC, source_id DESC`.execute(queryable);
  return { model: space.model, reason: null, found: found.rows.map(toSimilarSource) };
}

type Row = {
  source_id: string;
  similarity: number;
  char_start: number;
  char_end: number;
  page: number | null;
  section: string | null;
  text: string;
};

/** The active space, if the source has vectors in it. */
async function findSpaceOf(
  queryable: Queryable,
  of: { readonly workspaceId: string; readonly sourceId: string },
): Promise<{ id: string; model: string; is_built_in: boolean } | undefined> {
  const found = await sql<{ id: string; model: string; is_built_in: boolean }>`
    SELECT id, model, is_built_in FROM embedding_space WHERE status = 'active' AND EXISTS (
      SELECT 1 FROM chunk_embedding
      WHERE space_id = embedding_space.id AND workspace_id = ${of.workspaceId} AND source_id = ${of.sourceId})`.execute(
    queryable,
  );
  return found.rows[0];
}

function toSimilarSource(row: Row): SimilarSource {
  const { char_start: charStart, char_end: charEnd, page, section, text } = row;
  const passage = { charStart, charEnd, page, section, text };
  return { sourceId: row.source_id, similarity: row.similarity, passage };
}
