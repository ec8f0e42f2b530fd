import {
  collectionNameSchema,
  collectionReferenceSchema,
  collectionSchema,
  pageQuerySchema,
  pageSchema,
  tagCountSchema,
  tagListQuerySchema,
} from "@millrace/contracts";
import { z } from "zod";
import { readCursor, toPage } from "./pages.ts";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";

const tags = ["Documents"];
const params = z.object({ id: collectionReferenceSchema });

/** `/api/collections` and `/api/tags`: what documents are sorted by. */
export function collectionRoutes(app: TypedApp, parts: RouteParts): void {
  const { collections } = parts.installation;
  const { authenticate } = parts.access;

  tagsRoute(app, parts);

  app.get(
    "/api/collections",
    {
      schema: {
        tags,
        summary: "List collections, newest first",
        querystring: pageQuerySchema,
        response: { 200: pageSchema(collectionSchema) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const access = await authenticate(request);
      return toPage(await collections.list(access, { before: readCursor(cursor), limit: limit + 1 }), limit);
    },
  );

  app.post(
    "/api/collections",
    {
      schema: {
        tags,
        summary: "Make a collection",
        body: collectionNameSchema,
        response: { 201: collectionSchema },
      },
    },
    async (request, reply) => {
      const collection = await collections.create(await authenticate(request), request.body.name);
      return reply.code(201).header("location", `/api/collections/${collection.id}`).send(collection);
    },
  );

  app.get(
    "/api/collections/:id",
    {
      schema: { tags, summary: "One, by its id or name", params, response: { 200: collectionSchema } },
    },
    async (request) => collections.get(await authenticate(request), request.params.id),
  );

  app.patch(
    "/api/collections/:id",
    {
      schema: {
        tags,
        summary: "Rename",
        params,
        body: collectionNameSchema,
        response: { 200: collectionSchema },
      },
    },
    async (request) => collections.rename(await authenticate(request), request.params.id, request.body.name),
  );

  app.delete(
    "/api/collections/:id",
    {
      schema: { tags, summary: "Delete; its documents stay", params, response: { 204: z.null() } },
    },
    async (request, reply) => {
      await collections.remove(await authenticate(request), request.params.id);
      return reply.code(204).send(null);
    },
  );
}

function tagsRoute(app: TypedApp, parts: RouteParts): void {
  const { documents } = parts.installation;
  const { authenticate } = parts.access;
  app.get(
    "/api/tags",
    {
      schema: {
        tags,
        summary: "Tags in use, in the order of their characters, each with the number of documents",
        querystring: tagListQuerySchema,
        response: { 200: pageSchema(tagCountSchema) },
      },
    },
    async (request) => {
      const { limit, cursor, search } = request.query;
      const access = await authenticate(request);
      const rows = await documents.listTags(access, {
        search: search?.toLowerCase(),
        after: cursor,
        limit: limit + 1,
      });
      const data = rows.slice(0, limit);
      const hasMore = rows.length > limit;
      return { data, next_cursor: hasMore ? (data.at(-1)?.tag ?? null) : null, has_more: hasMore };
    },
  );
}
