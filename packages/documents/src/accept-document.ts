import { createHash } from "node:crypto";
import { partNames } from "@millrace/contracts";
import type { AcceptedDocument, FileType } from "@millrace/contracts";
import { isUniqueViolation } from "@millrace/database";
import { newId } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import type { Queue, WriteScope } from "@millrace/queue";
import { findAnswer, storeAnswer } from "./idempotency.ts";
import type { IdempotentRequest, StoredAnswer } from "./idempotency.ts";
import { cleanPastedText, titleOf } from "./pasted-text.ts";
import { processDocument } from "./process/process-task.ts";
import { readAccepted } from "./read-accepted.ts";
import { insertDocument, setJob, storeText } from "./write-documents.ts";
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

/** A first answer, or the one that the first request with the same key got. */
export type Accepted =
  | { readonly kind: "new"; readonly accepted: AcceptedDocument }
  | { readonly kind: "replay"; readonly answer: StoredAnswer };

/**
 * Writes document, parts, job and idempotency key in one transaction. When this returns, the work
 * will be done: the job exists if and only if the document does.
 */
export async function acceptDocument(queue: Queue, access: Access, request: Acceptance): Promise<Accepted> {
  const { idempotency } = request;
  if (idempotency !== undefined) {
    const answer = await findAnswer(queue.database.queryable, access, idempotency);
    if (answer !== undefined) return { kind: "replay", answer };
  }
  const prepared = prepare(request);
  try {
    const accepted = await queue.transaction((scope) =>
      write(queue, scope, access, { ...prepared, idempotency }),
    );
    return { kind: "new", accepted };
  } catch (error) {
    // The same key at the same time: the other request was first.
    if (idempotency === undefined || !isUniqueViolation(error, "idempotency_key_pkey")) throw error;
    const answer = await findAnswer(queue.database.queryable, access, idempotency);
    if (answer === undefined) throw error;
    return { kind: "replay", answer };
  }
}

type Prepared = { readonly document: NewDocument; readonly text: string | undefined };

function prepare({ content, title }: Acceptance): Prepared {
  const id = newId();
  if (content.kind === "file") {
    const { fileName, fileType, size, sha256, fileKey } = content;
    const document = { id, fileName, fileType, fileSize: size, contentHash: sha256, fileKey };
    return {
      document: { ...document, title: (title ?? fileName).slice(0, 255) || "Untitled" },
      text: undefined,
    };
  }
  const text = cleanPastedText(content.text);
  const bytes = Buffer.from(text);
  const document: NewDocument = {
    id,
    title: title ?? titleOf(text),
    fileName: null,
    fileType: "text",
    fileSize: bytes.byteLength,
    contentHash: createHash("sha256").update(bytes).digest("hex"),
    fileKey: null,
  };
  return { document, text };
}

async function write(
  queue: Queue,
  scope: WriteScope,
  access: Access,
  prepared: Prepared & Pick<Acceptance, "idempotency">,
): Promise<AcceptedDocument> {
  const { document, text, idempotency } = prepared;
  await insertDocument(scope.transaction, access, document);
  if (text !== undefined) {
    const row = {
      text,
      pages: [],
      fileType: "text",
      method: "pasted",
      language: null,
      warnings: [],
      title: null,
    } as const;
    await storeText(scope.transaction, document.id, row);
  }
  const jobId = await queue.enqueue(
    scope,
    processDocument,
    { document_id: document.id, scope: "everything", parts: [...partNames] },
    { owner: access.workspaceId, stream: `document:${document.id}` },
  );
  await setJob(scope.transaction, document.id, jobId);
  const accepted = await readAccepted(scope.transaction, access.workspaceId, document.id);
  if (idempotency !== undefined) {
    await storeAnswer(scope.transaction, access, idempotency, {
      status: 202,
      headers: acceptedHeaders(accepted),
      body: accepted,
    });
  }
  return accepted;
}

/** The headers of a 202: where the work and the document are, and when to look again. */
export function acceptedHeaders({ document, job }: AcceptedDocument): Record<string, string> {
  return { location: job.links.self, "content-location": document.links.self, "retry-after": "1" };
}
