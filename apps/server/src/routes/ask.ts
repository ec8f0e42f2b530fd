import { questionHeaders } from "@millrace/ask";
import {
  acceptedQuestionSchema,
  createQuestionSchema,
  idSchema,
  isQuestionOver,
  pageSchema,
  questionListQuerySchema,
  questionSchema,
} from "@millrace/contracts";
import type { AcceptedQuestion } from "@millrace/contracts";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { readIdempotency, replayResponse, sendWithEtag } from "../http/index.ts";
import { readCursor, toPage } from "./pages.ts";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";
import { preferredWait } from "./preferred-wait.ts";

const params = z.object({ id: idSchema });
const tags = ["Ask"];

/** `/api/ask` and everything below it but the event stream. */
export function askRoutes(app: TypedApp, parts: RouteParts): void {
  const { questions } = parts.installation;
  const { authenticate } = parts.access;
  createRoute(app, parts);

  app.get(
    "/api/ask",
    {
      schema: {
        tags,
        summary: "List questions with their answers, newest first",
        querystring: questionListQuerySchema,
        response: { 200: pageSchema(questionSchema) },
      },
    },
    async (request) => {
      const { limit, cursor, state } = request.query;
      const access = await authenticate(request);
      const rows = await questions.list(access, { state, before: readCursor(cursor), limit: limit + 1 });
      return toPage(rows, limit);
    },
  );

  app.get(
    "/api/ask/:id",
    {
      schema: {
        tags,
        summary: "One question with its answer and citations",
        params,
        response: { 200: questionSchema },
      },
    },
    async (request, reply) =>
      sendWithEtag(request, reply, await questions.get(await authenticate(request), request.params.id)),
  );

  app.delete(
    "/api/ask/:id",
    {
      schema: {
        tags,
        summary: "Delete with its answer; work on it is cancelled",
        params,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await questions.remove(await authenticate(request), request.params.id);
      return reply.code(204).send(null);
    },
  );

  app.post(
    "/api/ask/:id/cancel",
    { schema: { tags, summary: "Stop the work on it", params, response: { 202: acceptedQuestionSchema } } },
    async (request, reply) =>
      reply.code(202).send(await questions.cancel(await authenticate(request), request.params.id)),
  );
}

function createRoute(app: TypedApp, parts: RouteParts): void {
  app.post(
    "/api/ask",
    {
      config: { heeds: ["idempotency-key", "prefer"] },
      schema: {
        tags,
        summary:
          "Ask one's documents; the answer is made behind the answer to the request. `Prefer: wait=N` waits for its end",
        body: createQuestionSchema,
        response: { 201: acceptedQuestionSchema, 202: acceptedQuestionSchema },
      },
    },
    async (request, reply) => {
      const access = await parts.access.authenticate(request);
      const idempotency = readIdempotency(request, z.json().parse(request.body));
      const result = await parts.installation.questions.accept(access, request.body, idempotency);
      if (result.kind === "new") return await sendAccepted(request, reply, parts, result.accepted);
      return replayResponse(reply, { request: idempotency, stored: result.answer });
    },
  );
}

/** 202 with where to look, or 201 with the answered question when the request waits and it ends in time. */
async function sendAccepted(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: RouteParts,
  accepted: AcceptedQuestion,
): Promise<AcceptedQuestion> {
  void reply.code(202).headers(questionHeaders(accepted));
  const wait = preferredWait(request, reply, parts.stopping);
  if (wait === undefined) return accepted;
  const { queue, questions } = parts.installation;
  await queue.waitForEnd(accepted.job.id, wait);
  const current = await questions.accepted(await parts.access.authenticate(request), accepted.question.id);
  if (isQuestionOver(current.question.state))
    void reply.code(201).removeHeader("retry-after").header("location", current.question.links.self);
  return current;
}
