import { createHash } from "node:crypto";
import { partNames } from "@millrace/contracts";
import type { AcceptedDocument, FileType } from "@millrace/contracts";
import { findAnswer, isUniqueViolation, storeAnswer } from "@millrace/database";
import type { IdempotentRequest, StoredAnswer } from "@millrace/database";
import { errorCode, newId, titleOf } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import { toJob } from "@millrace/queue";
import type { Queue, WriteScope } from "@millrace/queue";
import { toDocument } from "./document-row.ts";
import { cleanPastedText } from "./pasted-text.ts";
import { processDocument } from "./process/process-task.ts";
import type { ProcessInput } from "./process/process-task.ts";
import type { DocumentSettings } from "./settings.ts";
import { duplicateDocument } from "./errors.ts";
import { chooseFile } from "./files/index.ts";
import type { FileStore } from "./files/index.ts";
import { findOldestCopy, lockContent } from "./organise/duplicates.ts";
import { insertDocument } from "./write-documents.ts";
import type { NewDocument } from "./write-documents.ts";

/** A stored file whose type is known, or a text that is its own source. */
export type NewContent =
  | {
      readonly kind: "file";
      readonly fileKey: string;
      readonly fileName: string;
      readonly fileType: FileType;
      readonly size: number;
      readonly sha256: string;
    }
  | { readonly kind: "text"; readonly text: string };

export type Acceptance = {
  readonly content: NewContent;
  readonly title: string | undefined;
  readonly idempotency: IdempotentRequest | undefined;
};

type DuplicatePolicy = DocumentSettings["DUPLICATE_DOCUMENTS"];

/** A first answer, or the one that the first request with the same key got. */
export type Accepted =
  | {
      readonly kind: "new";
      readonly accepted: AcceptedDocument;
      /** Of the file that the document has: that of the request, or of another document with the same bytes. */
      readonly fileKey: string | null;
    }
  | { readonly kind: "replay"; readonly answer: StoredAnswer };

type AcceptParts = { readonly queue: Queue; readonly files: FileStore };

/**
 * Writes document, parts, job and idempotency key in one transaction. When this returns, the work
 * will be done: the job exists if and only if the document does. Throws `duplicate_document` where the owner has
 * the same bytes already and the policy is to reject them.
 */
export async function acceptDocument(
  { queue, files }: AcceptParts,
  access: Access,
  request: Acceptance & { readonly duplicates: DuplicatePolicy },
): Promise<Accepted> {
  const { idempotency } = request;
  if (idempotency !== undefined) {
    const answer = await findAnswer(queue.database.queryable, access, idempotency);
    if (answer !== undefined) return { kind: "replay", answer };
  }
  const prepared = prepare(request);
  try {
    return await queue.transaction((scope) =>
      write({ queue, files }, scope, access, {
        ...{ document: prepared, idempotency, duplicates: request.duplicates },
      }),
    );
  } catch (error) {
    // The same key at the same time: the other request was first, and where duplicates are refused its document is one.
    const isSecond =
      isUniqueViolation(error, "idempotency_key_pkey") || errorCode(error) === "duplicate_document";
    if (idempotency === undefined || !isSecond) throw error;
    const answer = await findAnswer(queue.database.queryable, access, idempotency);
    if (answer === undefined) throw error;
    return { kind: "replay", answer };
  }
}

function prepare({ content, title }: Acceptance): Omit<NewDocument, "duplicateOf"> {
  const ids = { id: newId(), jobId: newId() };
  if (content.kind === "file") {
    const { fileName, fileType, size, sha256, fileKey } = content;
    const called = (title ?? fileName).slice(0, 255) || "Untitled";
    return {
      ...ids,
      title: called,
      fileName,
      fileType,
      fileSize: size,
      contentHash: sha256,
      fileKey,
      text: undefined,
    };
  }
  const text = cleanPastedText(content.text);
  const bytes = Buffer.from(text);
  return {
    ...ids,
    title: title ?? titleOf(text),
    fileName: null,
    fileType: "text",
    fileSize: bytes.byteLength,
    contentHash: createHash("sha256").update(bytes).digest("hex"),
    fileKey: null,
    text,
  };
}

async function write(
  { queue, files }: AcceptParts,
  scope: WriteScope,
  access: Access,
  prepared: {
    readonly document: Omit<NewDocument, "duplicateOf">;
    readonly duplicates: DuplicatePolicy;
  } & Pick<Acceptance, "idempotency">,
): Promise<Accepted> {
  const { document, idempotency } = prepared;
  const { id, jobId, contentHash: sha256 } = document;
  const { transaction } = scope;
  const duplicateOf = await findDuplicate(scope, access, { ...prepared, hash: sha256 });
  const fileKey =
    document.fileKey === null
      ? null
      : await chooseFile(transaction, files, { key: document.fileKey, sha256 });
  const row = await insertDocument(transaction, access, { ...document, fileKey, duplicateOf });
  const input: ProcessInput = {
    document_id: id,
    scope: "everything",
    parts: [...partNames],
    answers: "reuse",
  };
  const options = { id: jobId, owner: access.workspaceId, stream: `document:${id}` };
  const job = await queue.enqueue(scope, processDocument, input, options);
  const accepted = { document: toDocument(row, job), job: toJob(job) };
  if (idempotency !== undefined) {
    await storeAnswer(transaction, access, idempotency, {
      status: 202,
      headers: acceptedHeaders(accepted),
      body: accepted,
    });
  }
  return { kind: "new", accepted, fileKey };
}

/** Null also where nobody wants to know. Throws `duplicate_document`. */
async function findDuplicate(
  { transaction }: WriteScope,
  { workspaceId }: Access,
  { duplicates, hash }: { readonly duplicates: DuplicatePolicy; readonly hash: string },
): Promise<string | null> {
  if (duplicates === "keep") return null;
  // The same bytes twice at once: the second waits here, and then sees the first.
  await lockContent(transaction, workspaceId, hash);
  const oldest = await findOldestCopy(transaction, workspaceId, hash);
  if (oldest !== undefined && duplicates === "reject") throw duplicateDocument(oldest);
  return oldest?.id ?? null;
}

/** The headers of a 202: where the work and the document are, and when to look again. */
export function acceptedHeaders({ document, job }: AcceptedDocument): Record<string, string> {
  return { location: job.links.self, "content-location": document.links.self, "retry-after": "1" };
}
