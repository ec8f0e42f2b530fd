import { createHash } from "node:crypto";
import type { StoredCache } from "@millrace/cache";
import type { QueryAccess } from "@millrace/database";
import { errorCode } from "@millrace/kernel";
import type { Models } from "@millrace/models";
import type { Queue } from "@millrace/queue";
import { listSpaces } from "@millrace/search";
import type { QueryVector } from "@millrace/search";
import { embedQuery } from "./embed-query.ts";

/** How long a search waits for a worker to embed its query; without it full text answers alone. */
const mostWaitMs = 2_000;
/** Queries come again, in pages and while somebody types. */
const keptMs = 24 * 3_600_000;

/** The vector of a query, or the code of what went wrong; and the model of the space that answers. */
export type QueryVectorAnswer = { readonly model: string } & (
  | { readonly vector: QueryVector; readonly reason: null }
  | { readonly vector: undefined; readonly reason: string }
);

/**
 * Has a query embedded with the model of the space that answers, which need not be that of the settings. The built-in
 * vectors are arithmetic of a microsecond; a model is called by a worker, never by the process that answers requests,
 * and its vectors are kept for a day. Never throws but for the signal.
 */
export async function findQueryVector(
  parts: {
    readonly database: QueryAccess;
    readonly queue: Queue;
    readonly models: Models;
    readonly cache: StoredCache;
  },
  request: { readonly workspaceId: string; readonly query: string; readonly signal: AbortSignal },
): Promise<QueryVectorAnswer> {
  const { database, queue, models, cache } = parts;
  const { workspaceId, query, signal } = request;
  const spaces = await listSpaces(database.queryable);
  const { model, revision, isBuiltIn } =
    spaces.find(({ status }) => status === "active") ?? ofSettings(models);
  if (query === "") return { model, vector: undefined, reason: "no_words" };
  const asked = { name: model, revision };
  try {
    if (isBuiltIn) {
      const purpose = "search.query";
      const { vectors } = await models.embed({ texts: [query], model: asked, purpose, signal });
      return { model, vector: { model, revision, isBuiltIn, vector: vectors[0] ?? [] }, reason: null };
    }
    const ofQuery = `${workspaceId} ${model} ${revision} ${query}`;
    const kept = await cache.once(
      `search/query/${createHash("sha256").update(ofQuery).digest("hex")}`,
      { ttlMs: keptMs, schema: embedQuery.output, waitMs: mostWaitMs, signal },
      () => queue.call(embedQuery, { query, model: asked }, { owner: workspaceId, timeoutMs: mostWaitMs }),
    );
    // A worker of before there were spaces, in the middle of a deploy, gives vectors of its own setting.
    if (kept.model !== model) return { model, vector: undefined, reason: "embedding_model_differs" };
    return { model, vector: { model, revision, isBuiltIn, vector: kept.vector }, reason: null };
  } catch (error) {
    signal.throwIfAborted();
    return { model, vector: undefined, reason: errorCode(error) };
  }
}

/** Before the first space was announced. */
function ofSettings({ embedding }: Models) {
  return { model: embedding.name, revision: embedding.revision ?? "", isBuiltIn: embedding.builtIn };
}
