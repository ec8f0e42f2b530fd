import type { Queryable } from "@millrace/database";
import { sql } from "kysely";

/** What makes vectors comparable, together with their number of dimensions. */
export type EmbeddingModel = {
  /** Such as `openai:text-embedding-3-small`. */
  readonly model: string;
  /** Raised by people when the model behind a name changes. Default none. */
  readonly revision?: string | undefined;
};

/** The vectors of one model. */
export type EmbeddingSpace = {
  readonly id: string;
  readonly model: string;
  readonly revision: string;
  /** Null until the first vectors came. */
  readonly dimensions: number | null;
  readonly isBuiltIn: boolean;
  /** `active`: answers queries. `building`: is being filled. `retired`: is dropped by upkeep. */
  readonly status: "active" | "building" | "retired";
  /** Passages up to where its filling has come, all with a vector, and those that there were when it last went on. */
  readonly passages: { readonly done: number; readonly total: number };
  /** Of all passages, from a sample of them where there are many. */
  readonly tokensTotal: number;
  /** Until all passages have one; null while nothing is known of the pace. */
  readonly etaSeconds: number | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly createdAt: Date;
  readonly activatedAt: Date | null;
  readonly retiredAt: Date | null;
  readonly pausedAt: Date | null;
  /** Until upkeep has dropped its approximate index, which is broken: no vectors are stored. */
  readonly isIndexBroken: boolean;
};

type Row = {
  id: string;
  model: string;
  revision: string;
  dimensions: number | null;
  is_built_in: boolean;
  status: EmbeddingSpace["status"];
  passages_done: number;
  passages_total: number;
  tokens_total: number;
  eta_seconds: number | null;
  error_code: string | null;
  error_message: string | null;
  created_at: Date;
  activated_at: Date | null;
  retired_at: Date | null;
  paused_at: Date | null;
  is_index_broken: boolean;
};

/** All spaces: the active one, the one that is being filled, then those that wait to be dropped. */
export async function listSpaces(queryable: Queryable): Promise<EmbeddingSpace[]> {
  const found = await sql<Row>`
    SELECT id, model, revision, dimensions, is_built_in, status, passages_done::float8, passages_total::float8,
           tokens_total::float8, error_code, error_message, created_at, activated_at, retired_at, paused_at,
           index_broken_at IS NOT NULL AS is_index_broken,
           CASE WHEN status = 'building' AND paused_at IS NULL AND passages_done > run_began_done
                THEN (extract(epoch FROM clock_timestamp() - run_began_at) / (passages_done - run_began_done)
                      * greatest(passages_total - passages_done, 0))::float8 END AS eta_seconds
    FROM embedding_space ORDER BY status, chosen_at DESC, id`.execute(queryable);
  return found.rows.map(toSpace);
}

/** Undefined when it was dropped meanwhile. */
export async function findSpaceById(queryable: Queryable, id: string): Promise<EmbeddingSpace | undefined> {
  return (await listSpaces(queryable)).find((space) => space.id === id);
}

function toSpace(row: Row): EmbeddingSpace {
  const { id, model, revision, dimensions, status, error_code: code, error_message: message } = row;
  return {
    ...{ id, model, revision, dimensions, status },
    isBuiltIn: row.is_built_in,
    passages: { done: row.passages_done, total: row.passages_total },
    tokensTotal: row.tokens_total,
    etaSeconds: row.eta_seconds === null ? null : Math.ceil(row.eta_seconds),
    error: code === null ? null : { code, message: message ?? "" },
    createdAt: row.created_at,
    activatedAt: row.activated_at,
    retiredAt: row.retired_at,
    pausedAt: row.paused_at,
    isIndexBroken: row.is_index_broken,
  };
}
