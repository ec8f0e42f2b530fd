import { addAbortSignal, Readable } from "node:stream";
import { documentExportQuerySchema, exportedDocumentSchema } from "@millrace/contracts";
import { attachmentDisposition } from "@millrace/documents";
import { z } from "zod";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";

/** `GET /api/documents/export`: documents to take elsewhere, written while they are read. */
export function documentExportRoute(app: TypedApp, parts: RouteParts): void {
  app.get(
    "/api/documents/export",
    {
      schema: {
        tags: ["Documents"],
        summary: "Documents with their analysis and text as one file, streamed",
        querystring: documentExportQuerySchema,
        response: {
          200: {
            description: "The file; a connection that breaks off means that it is not whole",
            content: {
              "application/json": { schema: z.array(exportedDocumentSchema) },
              "application/jsonl": { schema: z.string() },
              "text/markdown": { schema: z.string() },
              "text/csv": { schema: z.string() },
              "application/zip": { schema: z.unknown() },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const { format, include, file_type: fileType, ...rest } = request.query;
      const { fileName, mediaType, stream } = await parts.installation.documents.export(
        await parts.access.authenticate(request),
        { ...rest, fileType, format, withOriginals: include === "original" },
      );
      void reply.headers({
        "content-type": mediaType,
        "content-disposition": attachmentDisposition(fileName),
        "cache-control": "no-store",
      });
      if (request.method === "HEAD") {
        // Fastify would read all of it, for nobody. An empty stream leaves the length open.
        stream.destroy();
        return reply.send(Readable.from([]));
      }
      // A client that takes it slowly must not keep the server from stopping.
      return reply.send(addAbortSignal(parts.stopping, stream));
    },
  );
}
