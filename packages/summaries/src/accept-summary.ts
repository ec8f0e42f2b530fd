import { createHash } from "node:crypto";
import { maxSummaryTextCharacters } from "@millrace/contracts";
import type { AcceptedSummary, CreateSummary } from "@millrace/contracts";
import { findAnswer, isUniqueViolation, storeAnswer } from "@millrace/database";
import type { IdempotentRequest, StoredAnswer } from "@millrace/database";
import { cleanText, hasVisibleText, newId, titleOf } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import { toJob } from "@millrace/queue";
import type { Queue, WriteScope } from "@millrace/queue";
import { summaryNotFound, textEmpty, textTooLong } from "./errors.ts";
import { makeSummary } from "./make/make-task.ts";
import { findSummary } from "./read-summaries.ts";
import { toSummary } from "./summary-row.ts";
import { insertSummary } from "./write-summaries.ts";
import type { NewSummary } from "./write-summaries.ts";

/** A first answer, or the one that the first request with the same key got. */
export type Accepted =
  | { readonly kind: "new"; readonly accepted: AcceptedSummary }
  | { readonly kind: "replay"; readonly answer: StoredAnswer };

/**
 * Writes summary, job and idempotency key in one transaction: the job exists if and only if the summary does.
 * Throws `text_empty` or `text_too_long`.
 */
export async function acceptSummary(
  queue: Queue,
  access: Access,
  request: CreateSummary,
  idempotency?: IdempotentRequest,
): Promise<Accepted> {
  const { queryable } = queue.database;
  if (idempotency !== undefined) {
    const answer = await findAnswer(queryable, access, idempotency);
    if (answer !== undefined) return { kind: "replay", answer };
  }
  const prepared = prepare(request);
  try {
    const accepted = await queue.transaction((scope) =>
      write(queue, scope, access, { summary: prepared, idempotency }),
    );
    return { kind: "new", accepted };
  } catch (error) {
    // The same key at the same time: the other request was first.
    if (idempotency === undefined || !isUniqueViolation(error, "idempotency_key_pkey")) throw error;
    const answer = await findAnswer(queryable, access, idempotency);
    if (answer === undefined) throw error;
    return { kind: "replay", answer };
  }
}

function prepare({ text: given, title, language, fresh }: CreateSummary): NewSummary {
  if (given.length > maxSummaryTextCharacters) throw textTooLong(given.length, maxSummaryTextCharacters);
  const text = cleanText(given);
  if (!hasVisibleText(text)) throw textEmpty();
  return {
    id: newId(),
    jobId: newId(),
    title: title === undefined ? titleOf(text) : cleanText(title),
    text,
    textHash: createHash("sha256").update(text).digest("hex"),
    language: language ?? null,
    isFresh: fresh ?? false,
  };
}

async function write(
  queue: Queue,
  scope: WriteScope,
  access: Access,
  prepared: { readonly summary: NewSummary; readonly idempotency: IdempotentRequest | undefined },
): Promise<AcceptedSummary> {
  const { summary, idempotency } = prepared;
  const { id, jobId } = summary;
  await insertSummary(scope.transaction, access, summary);
  const options = { id: jobId, owner: access.workspaceId, stream: `summary:${id}` };
  const job = await queue.enqueue(scope, makeSummary, { summary_id: id }, options);
  const row = await findSummary(scope.transaction, access.workspaceId, id);
  if (row === undefined) throw summaryNotFound(id);
  const accepted = { summary: toSummary(row, job), job: toJob(job) };
  if (idempotency !== undefined) {
    const answer = { status: 202, headers: summaryHeaders(accepted), body: accepted };
    await storeAnswer(scope.transaction, access, idempotency, answer);
  }
  return accepted;
}

/** The headers of a 202: where the work and the summary are, and when to look again. */
export function summaryHeaders({ summary, job }: AcceptedSummary): Record<string, string> {
  return { location: job.links.self, "content-location": summary.links.self, "retry-after": "1" };
}
