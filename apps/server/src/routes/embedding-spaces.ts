import { embeddingSpaceSchema, idSchema, pageSchema } from "@millrace/contracts";
import type { EmbeddingSpace } from "@millrace/contracts";
import type { Models } from "@millrace/models";
import { listSpaces, pauseSpace } from "@millrace/search";
import type { EmbeddingSpace as Space } from "@millrace/search";
import { z } from "zod";
import { embedSpace } from "../search/embed-space.ts";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";

const tags = ["Search"];
const params = z.object({ id: idSchema });

/** `/api/search/spaces`: the vectors of each embedding model, how far a new one has come, pause and resume. */
export function embeddingSpaceRoutes(app: TypedApp, { installation, access }: RouteParts): void {
  const { database, models, queue } = installation;

  app.get(
    "/api/search/spaces",
    {
      schema: {
        tags,
        summary: "The vectors of each embedding model, in one page: the active one first",
        response: { 200: pageSchema(embeddingSpaceSchema) },
      },
    },
    async (request) => {
      await access.authenticate(request);
      const spaces = await listSpaces(database.queryable);
      return { data: spaces.map((space) => toJson(space, models)), next_cursor: null, has_more: false };
    },
  );

  app.post(
    "/api/search/spaces/:id/pause",
    {
      schema: {
        tags,
        summary: "Stop embedding passages anew, after the batch in flight; what is done stays",
        params,
        response: { 200: embeddingSpaceSchema },
      },
    },
    async (request) => {
      await access.authenticate(request);
      return toJson(await pauseSpace(database, request.params.id, true), models);
    },
  );

  app.post(
    "/api/search/spaces/:id/resume",
    {
      schema: {
        tags,
        summary: "Go on embedding passages anew, from where it was",
        params,
        response: { 200: embeddingSpaceSchema },
      },
    },
    async (request) => {
      await access.authenticate(request);
      const space = await pauseSpace(database, request.params.id, false);
      await queue.add(embedSpace, { space_id: space.id });
      return toJson(space, models);
    },
  );
}

function toJson(space: Space, models: Pick<Models, "embeddingCost">): EmbeddingSpace {
  const { id, model, revision, dimensions, status, passages, error } = space;
  return {
    ...{ id, model, revision, dimensions, status, passages, error },
    built_in: space.isBuiltIn,
    eta_seconds: space.etaSeconds,
    estimated_cost: models.embeddingCost(model, space.tokensTotal),
    paused_at: space.pausedAt?.toISOString() ?? null,
    created_at: space.createdAt.toISOString(),
    activated_at: space.activatedAt?.toISOString() ?? null,
    retired_at: space.retiredAt?.toISOString() ?? null,
  };
}
