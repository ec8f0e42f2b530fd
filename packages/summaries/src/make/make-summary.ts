import { toError } from "@millrace/kernel";
import { cancelThisJob, handleTask, snooze } from "@millrace/queue";
import type { AnyTaskHandler, FencedScope, JobContext, JobEnd, WriteScope } from "@millrace/queue";
import { summaryDeleted } from "../errors.ts";
import { findTwin, readForWork, readText } from "../read-summaries.ts";
import type { Twin, WorkRow } from "../read-summaries.ts";
import { findSimilar } from "../similar/find-similar.ts";
import { markCompleted, markProcessing, markQueued, markUnmade } from "../write-summaries.ts";
import { makeSummary } from "./make-task.ts";
import type { MakeInput, MakeOutput, MakeParts } from "./make-task.ts";
import { chooseMaker, makerAfter } from "./maker.ts";
import type { Maker, MakeRequest } from "./maker.ts";

/** How soon a summary looks again whether that of the same text is made: after a tenth of what it has waited already. */
const firstLookMs = 1_000;
const lastLookMs = 60_000;

/**
 * Finds a summary of the same text or of one that is nearly the same, or makes one. How it ends is written in the transaction that ends the job,
 * so that the two never disagree.
 */
export function handleMakeSummary(parts: MakeParts): AnyTaskHandler {
  return handleTask({
    task: makeSummary,
    run: (context) => run(parts, context),
    onEnd: (scope, end) => recordEnd(parts, scope, end),
    onRetry: async (scope, { jobId, input }) => {
      if ((await readForWork(scope.transaction, input.summary_id)) === undefined) throw summaryDeleted(jobId);
      await markQueued(scope.transaction, input.summary_id);
    },
  });
}

async function run(parts: MakeParts, context: JobContext<MakeInput>): Promise<MakeOutput> {
  const { queryable } = parts.database;
  const id = context.input.summary_id;
  const row = await readForWork(queryable, id);
  if (row === undefined) throw cancelThisJob("The summary was deleted.");
  const maker = await chooseMaker(parts.models);
  const twin = await context.transaction((scope) => begin(scope, context, { row, recipe: maker.recipe }));
  // Two equal requests at once make one call: the later one waits, holding no slot.
  if (twin?.result === null) {
    const delayMs = Math.min(Math.max(row.rested_ms / 10, firstLookMs), lastLookMs);
    throw snooze(delayMs, "The same text is being summarised already.");
  }
  if (twin !== undefined) return taken(twin, 1);
  const text = await readText(queryable, id);
  if (text === undefined) throw cancelThisJob("The summary was deleted.");
  context.progress({ percent: 5, stage: "initialization", message: "Reading the text" });
  const similar = await findSimilar(parts, context, { row, text, recipe: maker.recipe });
  if (similar !== undefined) {
    const { twin: other, score } = similar;
    await context.transaction(async (scope) => scope.emit("summary.found", { summary_id: other.id, score }));
    return taken(other, score);
  }
  const { code: textLanguage } = await context.step("language", (signal) =>
    parts.models.detectLanguage(text, signal),
  );
  const made = await makeOrExtract(parts, maker, {
    context,
    text,
    textLanguage,
    language: row.language,
    answers: row.is_fresh ? "fresh" : "reuse",
  });
  context.progress({ percent: 95, stage: "finalization", message: "Storing the summary" });
  return { ...made, text_language: textLanguage, reused_from: null, reused_score: null };
}

/** Begins, unless another is at the same text: that one is given, or one of which the result can be taken. */
async function begin(
  scope: FencedScope,
  context: JobContext<MakeInput>,
  { row, recipe }: { readonly row: WorkRow; readonly recipe: string },
): Promise<Twin | undefined> {
  const twin = row.is_fresh ? undefined : await findTwin(scope.transaction, row, recipe);
  if (twin?.result === null) return twin;
  await markProcessing(scope.transaction, row.id, recipe);
  scope.emit("summary.started", { attempt: context.job.attempt });
  if (twin !== undefined) scope.emit("summary.found", { summary_id: twin.id, score: 1 });
  return twin;
}

/** When no model can serve, and the built-in one is to stand in for them, its recipe is what the summary is kept under. */
async function makeOrExtract(
  { models }: MakeParts,
  maker: Maker,
  request: MakeRequest,
): ReturnType<Maker["make"]> {
  const { context } = request;
  try {
    return await maker.make(request);
  } catch (error) {
    const other = makerAfter(error, models);
    if (other === undefined) throw error;
    const { message } = toError(error);
    context.log("warning", `${message} Sentences are taken out of the text instead.`);
    await context.transaction(({ transaction }) =>
      markProcessing(transaction, context.input.summary_id, other.recipe),
    );
    return await other.make(request);
  }
}

/** The result of another summary: it cost nothing this time. */
function taken(twin: Twin, score: number): MakeOutput {
  const { id, result, model, extractive, coverage, prompts, text_language } = twin;
  // The database promises the first; the others were written with it.
  if (result === null || model === null || coverage === null)
    throw new Error("a completed summary has no result");
  const free = { input_tokens: 0, output_tokens: 0, cost: 0 };
  return {
    ...free,
    result,
    model,
    extractive,
    coverage,
    prompts,
    text_language,
    reused_from: id,
    reused_score: score,
  };
}

async function recordEnd(
  parts: MakeParts,
  scope: WriteScope,
  end: JobEnd<MakeInput, MakeOutput>,
): Promise<void> {
  const { transaction } = scope;
  const id = end.input.summary_id;
  const row = await readForWork(transaction, id);
  if (row === undefined) return;
  const event = (type: string, data: Readonly<Record<string, unknown>>) =>
    parts.appendEvents(scope, [{ stream: `summary:${id}`, owner: row.workspace_id, type, data }]);
  switch (end.state) {
    case "succeeded": {
      const { result, model, extractive } = end.output;
      await markCompleted(transaction, id, end.output);
      return await event("summary.completed", { result, model, extractive });
    }
    case "cancelled":
      await markUnmade(transaction, id, "cancelled");
      return await event("summary.cancelled", { message: "The work on this summary was cancelled." });
    case "failed":
    case "expired": {
      const { error } = end;
      await markUnmade(transaction, id, "failed", error);
      return await event("summary.failed", { error: error.message, error_code: error.code });
    }
  }
}
