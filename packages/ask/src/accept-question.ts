import type { AcceptedQuestion, CreateQuestion } from "@millrace/contracts";
import { findAnswer, isUniqueViolation, storeAnswer } from "@millrace/database";
import type { IdempotentRequest, StoredAnswer } from "@millrace/database";
import { cleanText, hasVisibleText, newId } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import { toJob } from "@millrace/queue";
import type { Queue, WriteScope } from "@millrace/queue";
import { answerQuestion } from "./answer/answer-task.ts";
import { questionEmpty, questionNotFound } from "./errors.ts";
import { toQuestion } from "./question-row.ts";
import { findQuestion } from "./read-questions.ts";
import { insertQuestion } from "./write-questions.ts";
import type { NewQuestion } from "./write-questions.ts";

/** A first answer to a request, or the one that the first request with the same key got. */
export type Accepted =
  | { readonly kind: "new"; readonly accepted: AcceptedQuestion }
  | { readonly kind: "replay"; readonly answer: StoredAnswer };

/**
 * Writes question, job and idempotency key in one transaction: the job exists if and only if the question does.
 * Throws `question_empty`.
 */
export async function acceptQuestion(
  queue: Queue,
  access: Access,
  request: CreateQuestion,
  idempotency?: IdempotentRequest,
): Promise<Accepted> {
  const { queryable } = queue.database;
  if (idempotency !== undefined) {
    const answer = await findAnswer(queryable, access, idempotency);
    if (answer !== undefined) return { kind: "replay", answer };
  }
  const question = prepare(request);
  try {
    const accepted = await queue.transaction((scope) =>
      write(queue, scope, access, { question, idempotency }),
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

function prepare({ question: given, document_ids: ids, filters, fresh }: CreateQuestion): NewQuestion {
  const question = cleanText(given).replaceAll(/\s+/g, " ").trim();
  if (!hasVisibleText(question)) throw questionEmpty();
  return {
    id: newId(),
    jobId: newId(),
    question,
    scope: { document_ids: ids === undefined ? null : [...new Set(ids)], filters: filters ?? null },
    isFresh: fresh ?? false,
  };
}

async function write(
  queue: Queue,
  scope: WriteScope,
  access: Access,
  prepared: { readonly question: NewQuestion; readonly idempotency: IdempotentRequest | undefined },
): Promise<AcceptedQuestion> {
  const { question, idempotency } = prepared;
  const { id, jobId } = question;
  await insertQuestion(scope.transaction, access, question);
  const options = { id: jobId, owner: access.workspaceId, stream: `ask:${id}` };
  const job = await queue.enqueue(scope, answerQuestion, { question_id: id }, options);
  const row = await findQuestion(scope.transaction, access.workspaceId, id);
  if (row === undefined) throw questionNotFound(id);
  const accepted = { question: toQuestion(row, job), job: toJob(job) };
  if (idempotency !== undefined) {
    const answer = { status: 202, headers: questionHeaders(accepted), body: accepted };
    await storeAnswer(scope.transaction, access, idempotency, answer);
  }
  return accepted;
}

/** The headers of a 202: where the work and the question are, and when to look again. */
export function questionHeaders({ question, job }: AcceptedQuestion): Record<string, string> {
  return { location: job.links.self, "content-location": question.links.self, "retry-after": "1" };
}
