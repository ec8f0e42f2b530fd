import type { Transaction } from "@millrace/database";
import { cancelThisJob, forgetInput, handleTask } from "@millrace/queue";
import type { AnyTaskHandler, JobContext, JobEnd, WriteScope } from "@millrace/queue";
import { analysisFailedCode, jobSuperseded } from "../errors.ts";
import { readParts } from "../read-documents.ts";
import { markEnded, markProcessing, resetParts } from "../write-documents.ts";
import { analyseDocument } from "./analyse-document.ts";
import { extractDocument } from "./extract-document.ts";
import { indexDocument } from "./index-document.ts";
import { judgeParts } from "./judge-parts.ts";
import { processDocument } from "./process-task.ts";
import type { ProcessInput, ProcessOutput, ProcessParts } from "./process-task.ts";
import { lockForProcessing, readForProcessing } from "./read-for-processing.ts";

/**
 * Text, passages and vectors, analysis: each a set of durable steps. How the document ends is
 * written in the transaction that ends the job, so that the two never disagree.
 */
export function handleProcessDocument(parts: ProcessParts): AnyTaskHandler {
  return handleTask({
    task: processDocument,
    run: (context) => run(parts, context),
    onEnd: (scope, end) => recordEnd(parts, scope, end),
    onRetry: async (scope, { jobId, input }) => {
      const document = await lockForProcessing(scope.transaction, input.document_id);
      if (document?.job_id !== jobId || document.trashed_at !== null) throw jobSuperseded(jobId);
      await markProcessing(scope.transaction, input.document_id);
      await resetParts(scope.transaction, input.document_id, {
        parts: input.parts,
        states: ["failed", "running"],
      });
    },
  });
}

async function run(parts: ProcessParts, context: JobContext<ProcessInput>): Promise<ProcessOutput> {
  const { input } = context;
  const document = await readForProcessing(parts.database.queryable, input.document_id);
  if (document === undefined || document.trashed_at !== null)
    throw cancelThisJob("The document was deleted.");
  if (document.job_id !== context.job.id) throw cancelThisJob("Another job has taken over this document.");
  // Not again when it was put off meanwhile: nothing has changed, and progress would go back.
  if (document.status !== "processing") {
    await context.transaction((scope) => markProcessing(scope.transaction, document.id));
    context.progress({ percent: 10, stage: "initialization", message: "Starting" });
  }
  if (input.scope === "everything") {
    await extractDocument(parts, context, document);
    await forgetPassword(context);
    await indexDocument(parts, context, document);
  }
  const status = await analyseDocument(parts, context, document);
  context.progress({ percent: 95, stage: "finalization", message: "Storing the result" });
  const stored = await readForProcessing(parts.database.queryable, input.document_id);
  return { status, text_length: stored?.text_length ?? 0 };
}

/** What is left to do, here and in further attempts, starts from the text. */
async function forgetPassword({ input, job, transaction }: JobContext<ProcessInput>): Promise<void> {
  if (input.password !== undefined) await transaction((scope) => forgetInput(scope, job.id, ["password"]));
}

async function recordEnd(
  parts: ProcessParts,
  scope: WriteScope,
  end: JobEnd<ProcessInput, ProcessOutput>,
): Promise<void> {
  const { transaction } = scope;
  const { document_id: id, password } = end.input;
  if (password !== undefined) await forgetInput(scope, end.jobId, ["password"]);
  // A part that is made again beside it is written under the same lock: one of the two ends sees the other.
  const document = await lockForProcessing(transaction, id);
  // Deleted, or another job works on it by now: this end is not the document's any more.
  if (document === undefined || document.job_id !== end.jobId) return;
  const event = (type: string, data: Readonly<Record<string, unknown>>) =>
    parts.appendEvents(scope, [{ stream: `document:${id}`, owner: document.workspace_id, type, data }]);
  const complete = async (status: ProcessOutput["status"]): Promise<void> => {
    await markEnded(transaction, id, { status });
    const analysis_complete = status === "completed";
    await event("document.completed", { status, text_length: document.text_length ?? 0, analysis_complete });
  };
  switch (end.state) {
    case "succeeded":
      return await complete((await judgeAsItIs(transaction, id)) ?? end.output.status);
    case "cancelled":
      await resetParts(transaction, id, { states: ["running"] });
      await markEnded(transaction, id, { status: "cancelled" });
      return await event("document.cancelled", { message: "Processing was cancelled." });
    case "failed":
    case "expired": {
      const { error } = end;
      await resetParts(transaction, id, { states: ["running"] });
      // Other reasons, such as a damaged file, hold whatever parts there are.
      const judged = error.code === analysisFailedCode ? await judgeAsItIs(transaction, id) : undefined;
      if (judged !== undefined) return await complete(judged);
      await markEnded(transaction, id, { status: "failed", error });
      return await event("document.failed", { error: error.message, error_code: error.code });
    }
  }
}

/** Since the attempt judged, a part that is made again by a job of its own may have come. Undefined: none is there. */
async function judgeAsItIs(
  transaction: Transaction,
  documentId: string,
): Promise<ProcessOutput["status"] | undefined> {
  const judged = judgeParts(await readParts(transaction, documentId));
  return judged === "failed" ? undefined : judged;
}
