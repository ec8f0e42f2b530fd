import { createHash } from "node:crypto";
import type { StoredCache } from "@millrace/cache";
import { errorCode } from "@millrace/kernel";
import type { Models } from "@millrace/models";
import type { Queue } from "@millrace/queue";
import type { QueryVector } from "@millrace/search";
import { embedQuery } from "./embed-query.ts";

/** How long a search waits for a worker to embed its query; without it full text answers alone. */
const mostWaitMs = 2_000;
/** Queries come again, in pages and while somebody types. */
const keptMs = 24 * 3_600_000;

/** The vector of a query, or the code of what went wrong. */
export type QueryVectorAnswer =
  | { readonly vector: QueryVector; readonly reason: null }
  | { readonly vector: undefined; readonly reason: string };

/**
 * Has a query embedded. The built-in vectors are arithmetic of a microsecond; a model is called by a worker,
 * never by the process that answers requests, and its vectors are kept for a day. Never throws but for the signal.
 */
export async function findQueryVector(
  parts: { readonly queue: Queue; readonly models: Models; readonly cache: StoredCache },
  request: { readonly workspaceId: string; readonly query: string; readonly signal: AbortSignal },
): Promise<QueryVectorAnswer> {
  const { queue, models, cache } = parts;
  const { workspaceId, query, signal } = request;
  const { name, builtIn } = models.embedding;
  if (query === "") return { vector: undefined, reason: "no_words" };
  try {
    if (builtIn) {
      const { vectors } = await models.embed({ texts: [query], purpose: "search.query", signal });
      return { vector: { model: name, isBuiltIn: true, vector: vectors[0] ?? [] }, reason: null };
    }
    const key = `search/query/${createHash("sha256").update(`${workspaceId} ${name} ${query}`).digest("hex")}`;
    const kept = await cache.once(
      key,
      { ttlMs: keptMs, schema: embedQuery.output, waitMs: mostWaitMs, signal },
      () => queue.call(embedQuery, { query }, { owner: workspaceId, timeoutMs: mostWaitMs }),
    );
    // Workers of another setting, in the middle of a change, would give vectors that fit nothing.
    if (kept.model !== name) return { vector: undefined, reason: "embedding_model_differs" };
    return { vector: { model: name, isBuiltIn: false, vector: kept.vector }, reason: null };
  } catch (error) {
    signal.throwIfAborted();
    return { vector: undefined, reason: errorCode(error) ?? "internal_error" };
  }
}
