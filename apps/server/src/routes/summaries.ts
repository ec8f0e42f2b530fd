import {
  acceptedSummarySchema,
  createSummarySchema,
  idSchema,
  isSummaryOver,
  pageSchema,
  summaryDetailSchema,
  summaryListQuerySchema,
  summarySchema,
} from "@millrace/contracts";
import type { AcceptedSummary } from "@millrace/contracts";
import { summaryHeaders } from "@millrace/summaries";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { readIdempotency, replayResponse, sendWithEtag } from "../http/index.ts";
import { readCursor, toPage } from "./pages.ts";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";
import { preferredWait } from "./preferred-wait.ts";

const params = z.object({ id: idSchema });
const tags = ["Summaries"];

/** The longest text as JSON, with room for characters that are escaped in six. */
const maxBodyBytes = 8_388_608;

/** `/api/summaries` and everything below it but the event stream. */
export function summaryRoutes(app: TypedApp, parts: RouteParts): void {
  const { summaries } = parts.installation;
  const { authenticate } = parts.access;
  createRoute(app, parts);

  app.get(
    "/api/summaries",
    {
      schema: {
        tags,
        summary: "List summaries, newest first",
        querystring: summaryListQuerySchema,
        response: { 200: pageSchema(summarySchema) },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query;
      const access = await authenticate(request);
      const rows = await summaries.list(access, { ...filter, before: readCursor(cursor), limit: limit + 1 });
      return toPage(rows, limit);
    },
  );

  app.get(
    "/api/summaries/:id",
    {
      schema: {
        tags,
        summary: "One summary with the text it is made of",
        params,
        response: { 200: summaryDetailSchema },
      },
    },
    async (request, reply) =>
      sendWithEtag(request, reply, await summaries.get(await authenticate(request), request.params.id)),
  );

  app.delete(
    "/api/summaries/:id",
    {
      schema: {
        tags,
        summary: "Delete with its text; work on it is cancelled",
        params,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await summaries.remove(await authenticate(request), request.params.id);
      return reply.code(204).send(null);
    },
  );

  app.post(
    "/api/summaries/:id/cancel",
    { schema: { tags, summary: "Stop the work on it", params, response: { 202: acceptedSummarySchema } } },
    async (request, reply) =>
      reply.code(202).send(await summaries.cancel(await authenticate(request), request.params.id)),
  );
}

function createRoute(app: TypedApp, parts: RouteParts): void {
  app.post(
    "/api/summaries",
    {
      config: { heeds: ["idempotency-key", "prefer"] },
      bodyLimit: maxBodyBytes,
      schema: {
        tags,
        summary: "Summarise a text; the work is done behind the answer. `Prefer: wait=N` waits for its end",
        body: createSummarySchema,
        response: { 201: acceptedSummarySchema, 202: acceptedSummarySchema },
      },
    },
    async (request, reply) => {
      const access = await parts.access.authenticate(request);
      const { text, title = null, language = null, fresh = false } = request.body;
      const idempotency = readIdempotency(request, { text, title, language, fresh });
      const result = await parts.installation.summaries.accept(access, request.body, idempotency);
      if (result.kind === "new") return await sendAccepted(request, reply, parts, result.accepted);
      return replayResponse(reply, { request: idempotency, stored: result.answer });
    },
  );
}

/** 202 with where to look, or 201 with the finished summary when the request waits and it ends in time. */
async function sendAccepted(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: RouteParts,
  accepted: AcceptedSummary,
): Promise<AcceptedSummary> {
  void reply.code(202).headers(summaryHeaders(accepted));
  const wait = preferredWait(request, reply, parts.stopping);
  if (wait === undefined) return accepted;
  const { queue, summaries } = parts.installation;
  await queue.waitForEnd(accepted.job.id, wait);
  const current = await summaries.accepted(await parts.access.authenticate(request), accepted.summary.id);
  if (isSummaryOver(current.summary.state))
    void reply.code(201).removeHeader("retry-after").header("location", current.summary.links.self);
  return current;
}
