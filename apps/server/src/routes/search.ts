import { searchQuerySchema, searchResultSchema } from "@millrace/contracts";
import type { SearchHit } from "@millrace/contracts";
import { countUnindexed, documentsToSearch, findPages, findTitles } from "@millrace/documents";
import { MillraceError } from "@millrace/kernel";
import { explainScore, parseQuery, searchPassages } from "@millrace/search";
import type { PassageHit, SearchPage } from "@millrace/search";
import { findQueryVector } from "../search/query-vector.ts";
import { toSearchFilter } from "../search/search-filters.ts";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";
import { waitSignal } from "./wait-signal.ts";

/** `GET /api/search?q=`: passages of one's own documents by words and by meaning, best first. */
export function searchRoutes(app: TypedApp, { installation, access, stopping }: RouteParts): void {
  const { database, models } = installation;
  const { queryable } = database;
  app.get(
    "/api/search",
    {
      schema: {
        tags: ["Search"],
        summary: "Find passages",
        querystring: searchQuerySchema,
        response: { 200: searchResultSchema },
      },
    },
    async (request, reply) => {
      const startedMs = performance.now();
      const { workspaceId } = await access.authenticate(request);
      const { q, limit, cursor, explain, mode, ...filters } = request.query;
      const query = parseQuery(q);
      if (query.words === "") throw queryWithoutWords();
      const filter = toSearchFilter(filters, query.fields);
      const signal = waitSignal(reply, stopping);
      const { vector, reason, model } =
        mode === "full_text"
          ? { vector: undefined, reason: null, model: models.embedding.name }
          : await findQueryVector(installation, { workspaceId, query: query.words, signal });
      const page = await searchPassages(database, {
        ...{ workspaceId, query, vector, limit, cursor },
        sources: documentsToSearch(workspaceId, filter),
        findPages: (owner, places) => findPages(queryable, owner, places),
        isByVectorAlone: mode === "vectors",
        asked: JSON.stringify([workspaceId, q, mode, filter]),
      });
      const ids = page.hits.map((hit) => hit.sourceId);
      const titles = await findTitles(queryable, workspaceId, ids);
      const method = page.vectorMethod === "broken" ? "none" : page.vectorMethod;
      const isUsed = method !== "none";
      return {
        query: q,
        mode: isUsed ? mode : ("full_text" as const),
        data: page.hits.map((hit) =>
          toHit(hit, titles.get(hit.sourceId) ?? "", explain === "true" ? page : undefined),
        ),
        next_cursor: page.nextCursor,
        has_more: page.nextCursor !== null,
        no_good_match: page.hasNoGoodMatch,
        vectors: {
          method,
          model,
          reason: isUsed
            ? null
            : (reason ?? (page.vectorMethod === "broken" ? "index_broken" : "not_embedded")),
        },
        took_ms: Math.round(performance.now() - startedMs),
        still_indexing: await countUnindexed(queryable, workspaceId),
      };
    },
  );
}

function toHit(hit: PassageHit, title: string, explained: SearchPage | undefined): SearchHit {
  return {
    document_id: hit.sourceId,
    document_title: title,
    chunk_id: hit.chunkId,
    ordinal: hit.ordinal,
    char_start: hit.charStart,
    char_end: hit.charEnd,
    page: hit.page,
    section: hit.section,
    score: hit.score,
    passage: [...hit.passage],
    ...(explained === undefined ? {} : { explanation: explainScore(hit, explained.weights) }),
  };
}

function queryWithoutWords(): MillraceError {
  return new MillraceError({
    code: "query_without_words",
    kind: "invalid",
    message: "The query has filters and no words to look for. Add words; GET /api/documents lists documents.",
    items: [{ pointer: "/query/q", code: "query_without_words", message: "needs words" }],
  });
}
