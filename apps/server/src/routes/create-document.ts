import { acceptedDocumentSchema, createDocumentSchema } from "@millrace/contracts";
import type { Acceptance } from "@millrace/documents";
import { detectFileType } from "@millrace/extract";
import { MillraceError } from "@millrace/kernel";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { readIdempotency, receiveUpload, replayResponse } from "../http/index.ts";
import type { RouteParts } from "./route-parts.ts";
import { sendAccepted } from "./send-accepted.ts";
import type { TypedApp } from "./typed-app.ts";

const jsonSchema = z.json();

/** `POST /api/documents`: a file as multipart, or a text as JSON. */
export function createDocument(app: TypedApp, parts: RouteParts): void {
  app.post(
    "/api/documents",
    {
      config: { heeds: ["idempotency-key", "prefer"] },
      bodyLimit: parts.settings.MAX_UPLOAD_BYTES,
      schema: {
        tags: ["Documents"],
        summary:
          "Take in a file (multipart, part `file`) or a text (JSON); the work is done behind the answer",
        consumes: ["application/json", "multipart/form-data"],
        body: createDocumentSchema,
        response: { 201: acceptedDocumentSchema, 202: acceptedDocumentSchema },
      },
      // The body may be a file: each kind is checked where it is read.
      validatorCompiler: () => (value: unknown) => ({ value }),
    },
    async (request, reply) => {
      const access = await parts.access.authenticate(request);
      const acceptance = request.isMultipart() ? await readFile(request, parts) : readText(request);
      const result = await parts.installation.documents.accept(access, acceptance);
      if (result.kind === "new")
        return await sendAccepted(request, reply, parts, { accepted: result.accepted, isNew: true });
      const { answer } = result;
      const fingerprint = acceptance.idempotency?.fingerprint ?? "";
      return replayResponse(reply, {
        request: { fingerprint },
        // As it was stored: the shape of answers may have grown since.
        stored: { ...answer, body: jsonSchema.parse(answer.body) },
      });
    },
  );
}

async function readFile(request: FastifyRequest, parts: RouteParts): Promise<Acceptance> {
  const { files } = parts.installation;
  const maxBytes = parts.settings.MAX_UPLOAD_BYTES;
  const { file, fileName, fields } = await receiveUpload(request, { files, maxBytes });
  try {
    const detected = await detectFileType({ head: file.head, fileName, size: file.size });
    const title = fields["title"]?.trim() || undefined;
    const { key: fileKey, size, sha256 } = file;
    return {
      content: { kind: "file", fileKey, fileName, fileType: detected.type, size, sha256 },
      title: title?.slice(0, 255),
      idempotency: readIdempotency(request, { sha256, title: title ?? null, file_name: fileName }),
    };
  } catch (error) {
    await files.remove(file.key);
    throw error;
  }
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
