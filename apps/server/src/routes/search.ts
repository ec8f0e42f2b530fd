import { searchQuerySchema, searchResultSchema } from "@millrace/contracts";
import { countUnindexed, findTitles } from "@millrace/documents";
import { searchText } from "@millrace/search";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";

/** `GET /api/search?q=`: passages of one's own documents that hold any of the words, best first. */
export function searchRoutes(app: TypedApp, { installation, access }: RouteParts): void {
  const { database } = installation;
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
    async (request) => {
      const startedMs = performance.now();
      const { workspaceId } = await access.authenticate(request);
      const { q: query, limit } = request.query;
      const hits = await searchText(database, { workspaceId, query, limit });
      const titles = await findTitles(
        database.queryable,
        workspaceId,
        hits.map((hit) => hit.sourceId),
      );
      const stillIndexing = await countUnindexed(database.queryable, workspaceId);
      return {
        query,
        mode: "full_text" as const,
        data: hits.map((hit) => ({
          document_id: hit.sourceId,
          document_title: titles.get(hit.sourceId) ?? "",
          chunk_id: hit.chunkId,
          ordinal: hit.ordinal,
          char_start: hit.charStart,
          char_end: hit.charEnd,
          page: hit.page,
          score: hit.score,
          passage: [...hit.passage],
        })),
        took_ms: Math.round(performance.now() - startedMs),
        still_indexing: stillIndexing,
      };
    },
  );
}
