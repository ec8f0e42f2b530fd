import { addAbortSignal, Readable } from "node:stream";
import { idSchema } from "@millrace/contracts";
import { attachmentDisposition, servedMediaType } from "@millrace/documents";
import type { FileStore } from "@millrace/documents";
import { z } from "zod";
import { matchesEtag, parseByteRange } from "../http/index.ts";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";

const bytes = { content: { "application/octet-stream": { schema: z.unknown() } } };

/**
 * `GET /api/documents/{id}/file`: the file as it came, for a viewer that draws it. Always an attachment in a
 * sandbox: opened by itself, nothing of an uploaded file runs on our origin.
 */
export function documentFileRoute(app: TypedApp, parts: RouteParts): void {
  const { documents, files } = parts.installation;
  app.get(
    "/api/documents/:id/file",
    {
      schema: {
        tags: ["Documents"],
        summary: "The stored file, as an attachment; by `Range` a part of it",
        params: z.object({ id: idSchema }),
        response: {
          200: { description: "The file", ...bytes },
          206: { description: "The part that was asked for", ...bytes },
          304: z.null().describe("The copy of `If-None-Match` is still right"),
          416: z.null().describe("Nothing of the `Range` is there"),
        },
      },
    },
    async (request, reply) => {
      const access = await parts.access.authenticate(request);
      const { key, name, fileType, size, sha256 } = await documents.original(access, request.params.id);
      const etag = `"${sha256}"`;
      void reply.headers({
        etag,
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "content-disposition": attachmentDisposition(name),
        "content-security-policy": "default-src 'none'; sandbox",
      });
      if (matchesEtag(request.headers["if-none-match"], etag)) return reply.code(304).send(null);
      if (request.method === "HEAD") {
        // Nothing is opened, and so the type of a picture not known. A range is for GET alone.
        if (fileType !== "image") void reply.type(servedMediaType(fileType, new Uint8Array()));
        return reply.header("content-length", size).send(Readable.from([]));
      }
      const range = parseByteRange(request.headers.range, size);
      if (range === "unsatisfiable")
        return reply.code(416).header("content-range", `bytes */${size}`).send(null);
      void reply.type(servedMediaType(fileType, await readHead(files, key)));
      if (range === "whole") {
        const stream = await files.open(key);
        return reply.header("content-length", size).send(addAbortSignal(parts.stopping, stream));
      }
      const { start, end } = range;
      const stream = await files.open(key, { start, end });
      return reply
        .code(206)
        .header("content-range", `bytes ${start}-${end}/${size}`)
        .header("content-length", end - start + 1)
        .send(addAbortSignal(parts.stopping, stream));
    },
  );
}

/** The first bytes, by which a picture says what it is. */
async function readHead(files: FileStore, key: string): Promise<Uint8Array> {
  const stream = await files.open(key, { start: 0, end: 15 });
  return Buffer.concat(await stream.toArray());
}
