import {
  acceptedDocumentSchema,
  documentOutlineSchema,
  idSchema,
  isTerminal,
  partNameSchema,
  rerunPartSchema,
  similarDocumentsQuerySchema,
  similarDocumentsSchema,
} from "@millrace/contracts";
import { acceptedHeaders } from "@millrace/documents";
import { MillraceError } from "@millrace/kernel";
import { chatChoices } from "@millrace/models";
import type { Models } from "@millrace/models";
import { toJob } from "@millrace/queue";
import { z } from "zod";
import { sendWithEtag } from "../http/index.ts";
import { documentFileRoute } from "./document-file.ts";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";
import { preferredWait } from "./preferred-wait.ts";

const params = z.object({ id: idSchema });
const tags = ["Documents"];

/** What a reader of one document asks for: its outline, its file, what is like it, a part by another model. */
export function documentViewRoutes(app: TypedApp, parts: RouteParts): void {
  const { documents } = parts.installation;
  const { authenticate } = parts.access;

  documentFileRoute(app, parts);
  rerunRoute(app, parts);

  app.get(
    "/api/documents/:id/outline",
    {
      schema: {
        tags,
        summary: "Pages and headings of the text, and where to cut it to show it",
        params,
        response: { 200: documentOutlineSchema },
      },
    },
    async (request, reply) =>
      sendWithEtag(request, reply, await documents.outline(await authenticate(request), request.params.id)),
  );

  app.get(
    "/api/documents/:id/similar",
    {
      schema: {
        tags,
        summary: "Documents that are like it, most alike first",
        params,
        querystring: similarDocumentsQuerySchema,
        response: { 200: similarDocumentsSchema },
      },
    },
    async (request) => {
      const { limit, min_score: leastScore } = request.query;
      const access = await authenticate(request);
      return documents.similar(access, request.params.id, { limit, leastScore });
    },
  );
}

function rerunRoute(app: TypedApp, parts: RouteParts): void {
  const { documents, models, queue } = parts.installation;
  app.post(
    "/api/documents/:id/parts/:part/rerun",
    {
      config: { heeds: ["prefer"] },
      schema: {
        tags,
        summary: "Make one part again, by another model if you like; the old result stays until then",
        params: params.extend({ part: partNameSchema }),
        body: rerunPartSchema,
        response: { 200: acceptedDocumentSchema, 202: acceptedDocumentSchema },
      },
    },
    async (request, reply) => {
      const { id, part } = request.params;
      const access = await parts.access.authenticate(request);
      const { model } = request.body;
      const accepted = await documents.rerunPart(access, id, {
        part,
        model: model === undefined ? null : chosenName(models, model),
      });
      void reply.code(202).headers(acceptedHeaders(accepted));
      const wait = preferredWait(request, reply, parts.stopping);
      if (wait === undefined) return accepted;
      const job = await queue.waitForEnd(accepted.job.id, wait);
      if (job !== undefined && isTerminal(job.state)) void reply.code(200).removeHeader("retry-after");
      const document = await documents.get(access, id);
      return { document, job: job === undefined ? accepted.job : toJob(job) };
    },
  );
}

/** Throws `model_not_configured` for a name that is none of those to choose from. */
function chosenName(models: Models, given: string): string {
  const choices = chatChoices(models);
  const chosen = choices.find(({ name, builtIn }) => name === given || (builtIn && given === "builtin"));
  if (chosen !== undefined) return chosen.name;
  const names = choices.map(({ name }) => name).join(", ");
  throw new MillraceError({
    code: "model_not_configured",
    kind: "invalid",
    message: `There is no chat model of this name. Choose one of: ${names}.`,
    items: [{ pointer: "/model", code: "model_not_configured", message: `is none of ${names}` }],
  });
}
