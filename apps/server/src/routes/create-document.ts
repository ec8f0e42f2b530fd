import { acceptedDocumentSchema, createDocumentSchema, uploadedFilesSchema } from "@millrace/contracts";
import type { Acceptance } from "@millrace/documents";
import { MillraceError } from "@millrace/kernel";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { readIdempotency, receiveUpload, replayResponse } from "../http/index.ts";
import type { ReceivedUpload } from "../http/index.ts";
import { acceptSeveral, toAcceptance } from "./accept-uploads.ts";
import type { RouteParts } from "./route-parts.ts";
import { sendAccepted } from "./send-accepted.ts";
import type { TypedApp } from "./typed-app.ts";

/**
 * A body of JSON is collected in memory, and one that does not fit into a string, half a gigabyte, would end the
 * process. Enough for the 20 million characters that a text may have, also where each is written as `\uXXXX`.
 */
const maxJsonBytes = 128 * 1024 * 1024;

/** `POST /api/documents`: files as multipart, or a text as JSON. */
export function createDocument(app: TypedApp, parts: RouteParts): void {
  app.post(
    "/api/documents",
    {
      config: { heeds: ["idempotency-key", "prefer"] },
      // Of JSON; files go to the disk, and are limited where they are received.
      bodyLimit: Math.min(parts.settings.MAX_UPLOAD_BYTES, maxJsonBytes),
      schema: {
        tags: ["Documents"],
        summary:
          "Take in a file (multipart, part `file`), several (parts `files`) or a text (JSON); the work is done behind the answer",
        consumes: ["application/json", "multipart/form-data"],
        body: createDocumentSchema,
        response: {
          201: acceptedDocumentSchema,
          202: z.union([acceptedDocumentSchema, uploadedFilesSchema]),
        },
      },
      // The body may be a file: each kind is checked where it is read.
      validatorCompiler: () => (value: unknown) => ({ value }),
    },
    async (request, reply) => {
      const access = await parts.access.authenticate(request);
      const upload = request.isMultipart() ? await readUpload(request, parts) : undefined;
      if (upload?.kind === "several") {
        return await acceptSeveral(request, reply, { parts, access, received: upload.received });
      }
      const acceptance =
        upload === undefined
          ? readText(request)
          : await toAcceptance(request, parts, { received: upload.received, title: upload.fields["title"] });
      const result = await parts.installation.documents.accept(access, acceptance);
      if (result.kind === "new")
        return await sendAccepted(request, reply, parts, { accepted: result.accepted, isNew: true });
      return replayResponse(reply, { request: acceptance.idempotency, stored: result.answer });
    },
  );
}

function readUpload(request: FastifyRequest, parts: RouteParts): Promise<ReceivedUpload> {
  const { files } = parts.installation;
  return receiveUpload(request, { files, maxBytes: parts.settings.MAX_UPLOAD_BYTES });
}

function readText(request: FastifyRequest): Acceptance {
  const parsed = createDocumentSchema.safeParse(request.body);
  if (!parsed.success) {
    throw new MillraceError({
      code: "invalid_request",
      kind: "invalid",
      message:
        "Send a file in the part `file`, or JSON with `text` and, if you like, `title`. `errors` names what is wrong.",
      items: parsed.error.issues.map((issue) => ({
        pointer: `/${issue.path.join("/")}`,
        code: issue.code,
        message: issue.message,
      })),
    });
  }
  const { text, title } = parsed.data;
  return {
    content: { kind: "text", text },
    title,
    idempotency: readIdempotency(request, { text, title: title ?? null }),
  };
}
