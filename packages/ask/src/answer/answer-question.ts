import { toError } from "@millrace/kernel";
import { estimateTokens, roomOf } from "@millrace/models";
import { cancelThisJob, handleTask } from "@millrace/queue";
import type { AnyTaskHandler, JobContext, JobEnd, WriteScope } from "@millrace/queue";
import { nearestOf } from "../citations/nearest.ts";
import { placeCitations } from "../citations/place-citations.ts";
import { questionDeleted } from "../errors.ts";
import { readForWork } from "../read-questions.ts";
import type { ReadPassage } from "../retrieval/retrieve.ts";
import { markAnswered, markProcessing, markQueued, markUnanswered } from "../write-questions.ts";
import { purpose } from "./answer.ts";
import type { AnswerRequest, GivenAnswer } from "./answer.ts";
import { answerQuestion } from "./answer-task.ts";
import type { AnswerInput, AnswerOutput, AnswerParts } from "./answer-task.ts";
import { findToRead } from "./find-to-read.ts";
import { quoteAnswer } from "./quote-answer.ts";
import { writeAnswer } from "./write-answer.ts";

const notFound = "I did not find this in your documents.";

/**
 * Finds passages, has them read, and keeps what can be shown in them. How it ends is written in the transaction that
 * ends the job, so that the two never disagree.
 */
export function handleAnswerQuestion(parts: AnswerParts): AnyTaskHandler {
  return handleTask({
    task: answerQuestion,
    run: (context) => run(parts, context),
    onEnd: (scope, end) => recordEnd(parts, scope, end),
    onRetry: async (scope, { jobId, input }) => {
      if ((await readForWork(scope.transaction, input.question_id)) === undefined)
        throw questionDeleted(jobId);
      await markQueued(scope.transaction, input.question_id);
    },
  });
}

async function run(parts: AnswerParts, context: JobContext<AnswerInput>): Promise<AnswerOutput> {
  const id = context.input.question_id;
  const row = await readForWork(parts.database.queryable, id);
  if (row === undefined) throw cancelThisJob("The question was deleted.");
  await context.transaction(async (scope) => {
    await markProcessing(scope.transaction, id);
    scope.emit("ask.started", { attempt: context.job.attempt });
  });
  context.progress({ percent: 5, stage: "retrieval", message: "Looking for passages" });
  const read = await findToRead(parts, context, row);
  const passages = fitting(parts, row.question, read);
  if (passages.length === 0) return { ...unanswered([]), ...noModel };
  context.progress({ percent: 30, stage: "ai_analysis", message: `Reading ${countOf(passages.length)}` });
  const answers = row.is_fresh ? "fresh" : "reuse";
  const given = await giveAnswer(parts, { context, question: row.question, passages, answers });
  const { citations: quotes } = given;
  const citations = await placeCitations(parts, {
    workspaceId: row.workspace_id,
    citations: quotes,
    passages,
  });
  return toOutput({ ...given, citations }, passages);
}

/** As many of the best as the model has room for; one at least. */
function fitting({ models }: AnswerParts, question: string, passages: readonly ReadPassage[]): ReadPassage[] {
  const { textTokens } = roomOf(models.chatFor(purpose));
  let left = textTokens - estimateTokens(question);
  return passages.filter(({ title, section, text }, index) => {
    left -= estimateTokens(`${title} ${section ?? ""} ${text}`) + 60;
    return index === 0 || left >= 0;
  });
}

/** Written by a chat model; quoted by the built-in one where there is no other, or where the settings say that it stands in for them. */
async function giveAnswer({ models }: AnswerParts, request: AnswerRequest): Promise<GivenAnswer> {
  const chat = models.chatFor(purpose);
  if (chat.builtIn) return await quoteAnswer(models, chat, request);
  try {
    return await writeAnswer(models, chat, request);
  } catch (error) {
    const builtIn = models.builtInAfter(error, purpose);
    if (builtIn === undefined) throw error;
    request.context.log("warning", `${toError(error).message} Sentences are quoted instead.`);
    return await quoteAnswer(models, builtIn, request);
  }
}

const noModel = {
  ...{ model: null, extractive: false, prompts: [], removed_citations: 0, passages_read: 0 },
  ...{ input_tokens: 0, output_tokens: 0, cost: 0 },
};

/** Without a citation that is in the text there is no answer. */
function unanswered(passages: readonly ReadPassage[]) {
  return {
    outcome: "not_found" as const,
    answer: notFound,
    citations: [],
    nearest: nearestOf(passages),
  };
}

function toOutput(given: GivenAnswer, passages: readonly ReadPassage[]): AnswerOutput {
  const { answer, citations, removed, model, extractive, prompts, inputTokens, outputTokens, cost } = given;
  return {
    ...(citations.length === 0
      ? unanswered(passages)
      : { outcome: "answered" as const, answer, citations: [...citations], nearest: [] }),
    removed_citations: removed,
    passages_read: passages.length,
    model,
    extractive,
    prompts: [...prompts],
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    cost,
  };
}

async function recordEnd(
  parts: AnswerParts,
  scope: WriteScope,
  end: JobEnd<AnswerInput, AnswerOutput>,
): Promise<void> {
  const { transaction } = scope;
  const id = end.input.question_id;
  const row = await readForWork(transaction, id);
  if (row === undefined) return;
  const event = (type: string, data: Readonly<Record<string, unknown>>) =>
    parts.appendEvents(scope, [{ stream: `ask:${id}`, owner: row.workspace_id, type, data }]);
  switch (end.state) {
    case "succeeded": {
      const { outcome, answer, citations, removed_citations, model, extractive } = end.output;
      await markAnswered(transaction, id, end.output);
      return await event("ask.completed", {
        ...{ outcome, answer, citations, removed_citations, model, extractive },
      });
    }
    case "cancelled":
      await markUnanswered(transaction, id, "cancelled");
      return await event("ask.cancelled", { message: "The question was cancelled." });
    case "failed":
    case "expired": {
      const { error } = end;
      await markUnanswered(transaction, id, "failed", error);
      return await event("ask.failed", { error: error.message, error_code: error.code });
    }
  }
}

function countOf(passages: number): string {
  return passages === 1 ? "1 passage" : `${passages} passages`;
}
