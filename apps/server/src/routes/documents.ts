import {
  acceptedDocumentSchema,
  analysisSchema,
  documentListQuerySchema,
  documentPasswordSchema,
  documentSchema,
  documentStatsSchema,
  documentTextSchema,
  idSchema,
  jobSchema,
  logLineSchema,
  pageQuerySchema,
  pageSchema,
  partNameSchema,
  updateDocumentSchema,
} from "@millrace/contracts";
import type { AcceptedDocument } from "@millrace/contracts";
import type { Access } from "@millrace/kernel";
import { z } from "zod";
import { sendWithEtag } from "../http/index.ts";
import { createDocument } from "./create-document.ts";
import { documentExportRoute } from "./document-export.ts";
import { documentViewRoutes } from "./document-views.ts";
import { manyDocumentsRoute } from "./many-documents.ts";
import { readCursor, toPage } from "./pages.ts";
import type { RouteParts } from "./route-parts.ts";
import { sendAccepted } from "./send-accepted.ts";
import type { TypedApp } from "./typed-app.ts";

const params = z.object({ id: idSchema });
const tags = ["Documents"];
/** 200 when it was waited for and has ended. */
const againResponse = { 200: acceptedDocumentSchema, 202: acceptedDocumentSchema };
/** Jobs are forgotten before documents are. */
const statusSchema = acceptedDocumentSchema
  .extend({ job: jobSchema.nullable() })
  .meta({ id: "DocumentStatus" });

const deleteQuery = z.strictObject({
  /** `true`: for good, also out of the trash. */
  forever: z.enum(["true", "false"]).optional(),
});

/** One reading of a text of any length; a page of the browser app asks for some of these. */
const maxTextPiece = 100_000;

/** `/api/documents` and everything below it but the event stream. */
export function documentRoutes(app: TypedApp, parts: RouteParts): void {
  const { documents } = parts.installation;
  const { authenticate } = parts.access;

  createDocument(app, parts);
  documentExportRoute(app, parts);
  manyDocumentsRoute(app, parts);
  trashRoutes(app, parts);
  readingRoutes(app, parts);
  actionRoutes(app, parts);
  documentViewRoutes(app, parts);

  app.get(
    "/api/documents",
    {
      schema: {
        tags,
        summary: "List documents, newest first",
        querystring: documentListQuerySchema,
        response: { 200: pageSchema(documentSchema) },
      },
    },
    async (request) => {
      const { limit, cursor, file_type: fileType, trashed, ...marks } = request.query;
      const access = await authenticate(request);
      const before = readCursor(cursor);
      const rows = await documents.list(access, {
        ...marks,
        fileType,
        ...(trashed === "true" ? { trash: "only" as const } : {}),
        before,
        limit: limit + 1,
      });
      return toPage(rows, limit);
    },
  );

  app.get(
    "/api/documents/stats",
    { schema: { tags, summary: "Counts over all documents", response: { 200: documentStatsSchema } } },
    async (request) => documents.stats(await authenticate(request)),
  );

  app.get(
    "/api/documents/:id",
    { schema: { tags, summary: "One document", params, response: { 200: documentSchema } } },
    async (request, reply) =>
      sendWithEtag(request, reply, await documents.get(await authenticate(request), request.params.id)),
  );

  app.patch(
    "/api/documents/:id",
    {
      schema: {
        tags,
        summary: "Give it another title, other tags, other collections",
        params,
        body: updateDocumentSchema,
        response: { 200: documentSchema },
      },
    },
    async (request) => documents.update(await authenticate(request), request.params.id, request.body),
  );
}

/** Into the trash, out of it, and away for good. */
function trashRoutes(app: TypedApp, parts: RouteParts): void {
  const { documents } = parts.installation;
  const { authenticate } = parts.access;

  app.delete(
    "/api/documents/:id",
    {
      schema: {
        tags,
        summary:
          "Put it into the trash, or delete it for good with text, analysis and file; work on it is cancelled",
        params,
        querystring: deleteQuery,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const forever = request.query.forever === "true";
      await documents.remove(await authenticate(request), request.params.id, { forever });
      return reply.code(204).send(null);
    },
  );

  app.post(
    "/api/documents/:id/restore",
    {
      schema: {
        tags,
        summary: "Take it out of the trash, as it was put in",
        params,
        response: { 200: documentSchema },
      },
    },
    async (request) => documents.restore(await authenticate(request), request.params.id),
  );
}

/** What there is to read of one document. */
function readingRoutes(app: TypedApp, parts: RouteParts): void {
  const { documents } = parts.installation;
  const { authenticate } = parts.access;

  app.get(
    "/api/documents/:id/analysis",
    {
      schema: { tags, summary: "The four parts of the analysis", params, response: { 200: analysisSchema } },
    },
    async (request, reply) =>
      sendWithEtag(request, reply, await documents.analysis(await authenticate(request), request.params.id)),
  );

  app.get(
    "/api/documents/:id/status",
    {
      schema: {
        tags,
        summary: "The document with its job, as long as that is kept",
        params,
        response: { 200: statusSchema },
      },
    },
    async (request) => documents.status(await authenticate(request), request.params.id),
  );

  app.get(
    "/api/documents/:id/logs",
    {
      schema: {
        tags,
        summary: "What was logged for people, newest first",
        params,
        querystring: pageQuerySchema,
        response: { 200: pageSchema(logLineSchema) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const before = readCursor(cursor);
      const rows = await documents.logs(await authenticate(request), request.params.id, {
        before,
        limit: limit + 1,
      });
      return toPage(rows, limit);
    },
  );

  const textQuery = z.strictObject({
    offset: z.coerce.number().int().min(0).max(2_147_483_646).default(0),
    limit: z.coerce.number().int().min(1).max(maxTextPiece).default(20_000),
  });
  app.get(
    "/api/documents/:id/text",
    {
      schema: {
        tags,
        summary: "The text, piece by piece",
        params,
        querystring: textQuery,
        response: { 200: documentTextSchema },
      },
    },
    async (request) => documents.text(await authenticate(request), request.params.id, request.query),
  );
}

/** What can be asked to be done with one document. */
function actionRoutes(app: TypedApp, parts: RouteParts): void {
  const { documents } = parts.installation;
  const { authenticate } = parts.access;

  const again = (
    action: string,
    summary: string,
    work: (access: Access, id: string) => Promise<AcceptedDocument>,
  ): void => {
    app.post(
      `/api/documents/:id/${action}`,
      { schema: { tags, summary, params, response: againResponse } },
      async (request, reply) => {
        const accepted = await work(await authenticate(request), request.params.id);
        return sendAccepted(request, reply, parts, { accepted, isNew: false });
      },
    );
  };
  again("reprocess", "Do everything again", (access, id) => documents.reprocess(access, id));
  again("retry_failed", "Make again what failed, and only that", (access, id) =>
    documents.retryFailed(access, id),
  );

  app.post(
    "/api/documents/:id/password",
    {
      schema: {
        tags,
        summary: "Open a PDF that asks for a password, and do everything again",
        params,
        body: documentPasswordSchema,
        response: againResponse,
      },
    },
    async (request, reply) => {
      const access = await authenticate(request);
      const accepted = await documents.givePassword(access, request.params.id, request.body.password);
      return sendAccepted(request, reply, parts, { accepted, isNew: false });
    },
  );

  app.post(
    "/api/documents/:id/parts/:part/retry",
    {
      schema: {
        tags,
        summary: "Make one failed part again",
        params: params.extend({ part: partNameSchema }),
        response: againResponse,
      },
    },
    async (request, reply) => {
      const { id, part } = request.params;
      const accepted = await documents.retryFailed(await authenticate(request), id, part);
      return sendAccepted(request, reply, parts, { accepted, isNew: false });
    },
  );

  app.post(
    "/api/documents/:id/cancel_processing",
    { schema: { tags, summary: "Stop the work on it", params, response: { 202: acceptedDocumentSchema } } },
    async (request, reply) =>
      reply.code(202).send(await documents.cancel(await authenticate(request), request.params.id)),
  );
}
