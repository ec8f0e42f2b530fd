import { createHash } from "node:crypto";
import { acceptedDocumentSchema } from "@millrace/contracts";
import type { AcceptedDocument, UploadedFile, UploadedFiles } from "@millrace/contracts";
import type { Acceptance } from "@millrace/documents";
import { detectFileType } from "@millrace/extract";
import { isMillraceError, MillraceError } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import type { FastifyReply, FastifyRequest } from "fastify";
import { assertSameRequest, readIdempotency } from "../http/index.ts";
import type { ReceivedFile, ReceivedUpload } from "../http/index.ts";
import type { RouteParts } from "./route-parts.ts";

type Several = Extract<ReceivedUpload, { kind: "several" }>["received"];

/** A received file as a document to take in. Throws `unsupported_file_type`; then the file is removed. */
export async function toAcceptance(
  request: FastifyRequest,
  { installation }: RouteParts,
  given: { readonly received: ReceivedFile; readonly title?: string | undefined },
): Promise<Acceptance> {
  const { file, fileName } = given.received;
  try {
    const detected = await detectFileType({ head: file.head, fileName, size: file.size });
    const title = given.title?.trim() || undefined;
    const { key: fileKey, size, sha256 } = file;
    return {
      content: { kind: "file", fileKey, fileName, fileType: detected.type, size, sha256 },
      title: title?.slice(0, 255),
      idempotency: readIdempotency(request, { sha256, title: title ?? null, file_name: fileName }),
    };
  } catch (error) {
    await installation.files.remove(file.key);
    throw error;
  }
}

/**
 * Takes in several files, each by itself: what is wrong with one is said with it, and the others are documents. A
 * repeated request with the same `Idempotency-Key` gives those that were taken and tries the others again. Throws
 * `no_file_accepted` when none could be taken.
 */
export async function acceptSeveral(
  request: FastifyRequest,
  reply: FastifyReply,
  work: { readonly parts: RouteParts; readonly access: Access; readonly received: Several },
): Promise<UploadedFiles> {
  const files: UploadedFile[] = [];
  const refusals: MillraceError[] = [];
  for (const [index, received] of work.received.entries()) {
    const named = { index, file_name: received.fileName };
    try {
      files.push({ ...named, ...(await acceptOne(request, { ...work, received, index })) });
    } catch (error) {
      if (!isMillraceError(error)) {
        request.log.error({ err: error, index }, "a file of an upload could not be taken in");
      }
      const refusal = isMillraceError(error) ? error : unexpected(error);
      refusals.push(refusal);
      files.push({ ...named, error: { code: refusal.code, message: refusal.message } });
    }
  }
  const [first] = refusals;
  if (first !== undefined && refusals.length === files.length) throw noFileAccepted(first, files);
  void reply.code(202).headers({ location: "/api/documents", "retry-after": "1" });
  return { files, accepted: files.length - refusals.length, refused: refusals.length };
}

async function acceptOne(
  request: FastifyRequest,
  work: {
    readonly parts: RouteParts;
    readonly access: Access;
    readonly received: Several[number];
    readonly index: number;
  },
): Promise<AcceptedDocument> {
  const { parts, access, received, index } = work;
  if ("refusal" in received) throw received.refusal;
  const { idempotency, ...acceptance } = await toAcceptance(request, parts, { received });
  // The key is that of the whole upload: each file has its own answer under it, and keys have a largest length.
  const own = idempotency && { ...idempotency, key: `${hashOf(idempotency.key)}#${index}` };
  const result = await parts.installation.documents.accept(access, { ...acceptance, idempotency: own });
  if (result.kind === "new") return result.accepted;
  if (own !== undefined) assertSameRequest(own, result.answer);
  return acceptedDocumentSchema.parse(result.answer.body);
}

function hashOf(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

function unexpected(cause: unknown): MillraceError {
  return new MillraceError({
    code: "internal_error",
    kind: "internal",
    message: "Something unexpected happened to this file. Send it again; the server's log says more.",
    cause,
  });
}

function noFileAccepted(first: MillraceError, files: readonly UploadedFile[]): MillraceError {
  return new MillraceError({
    code: "no_file_accepted",
    kind: first.kind,
    message: "None of the files could be taken in. `errors` says why, for each.",
    items: files.map(({ index, file_name: name, error }) => ({
      pointer: `/files/${index}`,
      code: error?.code ?? "internal_error",
      message: `${name}: ${error?.message ?? ""}`,
    })),
  });
}
