import { isSettled } from "@millrace/contracts";
import type { DocumentStatus } from "@millrace/contracts";
import type { Transaction } from "@millrace/database";
import { cancelThisJob, endStream, handleTask } from "@millrace/queue";
import type { AnyTaskHandler, JobContext, JobEnd, WriteScope } from "@millrace/queue";
import { createAnalysis } from "../analysis/analyse-part.ts";
import { jobSuperseded } from "../errors.ts";
import { chargedSteps } from "../process/charged-steps.ts";
import { judgeParts } from "../process/judge-parts.ts";
import type { ProcessParts } from "../process/process-task.ts";
import { lockForProcessing, readForProcessing, readStoredText } from "../process/read-for-processing.ts";
import type { ProcessedDocument } from "../process/read-for-processing.ts";
import { readParts } from "../read-documents.ts";
import { markEnded, setPart, touchDocument } from "../write-documents.ts";
import { findRerun, markRerun, removeReruns } from "./rerun-rows.ts";
import { rerunPart } from "./rerun-task.ts";
import type { RerunInput, RerunOutput } from "./rerun-task.ts";

type RerunParts = Pick<ProcessParts, "database" | "models" | "appendEvents">;

/**
 * Makes one part of an analysis again. The new result takes the place of the old one in the transaction that ends
 * the job; when the job fails or is cancelled, the old one stays.
 */
export function handleRerunPart(parts: RerunParts): AnyTaskHandler {
  return handleTask({
    task: rerunPart,
    run: (context) => run(parts, context),
    onEnd: (scope, end) => recordEnd(parts, scope, end),
    onRetry: async ({ transaction }, { jobId, input: { document_id: documentId } }) => {
      const document = await lockForProcessing(transaction, documentId);
      if (document === undefined || document.trashed_at !== null) throw jobSuperseded(jobId);
      if ((await findRerun(transaction, jobId, documentId)) === undefined) throw jobSuperseded(jobId);
      await markRerun(transaction, jobId, { documentId, error: null });
    },
  });
}

async function run(parts: RerunParts, context: JobContext<RerunInput>): Promise<RerunOutput> {
  const { document_id: id, part, model } = context.input;
  const { queryable } = parts.database;
  const document = await readForProcessing(queryable, id);
  if (document === undefined || document.trashed_at !== null)
    throw cancelThisJob("The document was deleted.");
  if ((await findRerun(queryable, context.job.id, id)) === undefined) {
    throw cancelThisJob("Something newer makes this part.");
  }
  const { text } = await readStoredText(queryable, id);
  const analysis = createAnalysis({
    parts: [part],
    text,
    title: document.title,
    language: document.language,
    models: parts.models,
    model: model ?? undefined,
    // Who asks again wants another answer, not the one that is stored.
    answers: "fresh",
    step: chargedSteps(context),
    signal: context.signal,
    origin: { owner: context.job.owner, job: context.job.id },
  });
  const outcome = await analysis.make(part, ({ done, total }) =>
    context.progress({ percent: (100 * done) / Math.max(1, total), done, total, unit: "stretches" }),
  );
  const { prompts, coverage, usage } = outcome;
  return {
    result: { ...outcome.result, made_by: { prompts, coverage } },
    model: outcome.model,
    extractive: outcome.extractive,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
  };
}

async function recordEnd(
  parts: RerunParts,
  scope: WriteScope,
  end: JobEnd<RerunInput, RerunOutput>,
): Promise<void> {
  const { transaction } = scope;
  const { document_id: id, part, model } = end.input;
  const document = await lockForProcessing(transaction, id);
  const rerun = document && (await findRerun(transaction, end.jobId, id));
  // Deleted, or made anew in the meantime: this end is nobody's.
  if (document === undefined || rerun === undefined) return;
  const tell = async (state: "done" | "failed" | "cancelled", reason: string | null): Promise<void> => {
    await parts.appendEvents(scope, [
      {
        stream: `document:${id}`,
        owner: document.workspace_id,
        type: "document.part_rerun",
        data: { part, state, model, job_id: end.jobId, reason },
      },
    ]);
    // What works on the document now ends its stream.
    if (isSettled(document.status)) await endStream(transaction, `document:${id}`);
  };
  switch (end.state) {
    case "succeeded": {
      const { output } = end;
      await setPart(transaction, id, part, {
        state: "done",
        result: output.result,
        model: output.model,
        extractive: output.extractive,
        inputTokens: output.input_tokens,
        outputTokens: output.output_tokens,
        startedAt: rerun.started_at,
      });
      await removeReruns(transaction, id, [part]);
      await judgeAgain(transaction, document);
      return await tell("done", null);
    }
    case "cancelled":
      await removeReruns(transaction, id, [part]);
      return await tell("cancelled", null);
    case "failed":
    case "expired":
      await markRerun(transaction, end.jobId, { documentId: id, error: end.error });
      return await tell("failed", end.error.message);
  }
}

/** With one more part than before, what ended badly may be better now. */
async function judgeAgain(transaction: Transaction, { id, status }: ProcessedDocument): Promise<void> {
  // What works on it now judges at its own end.
  if (!isSettled(status)) return;
  const judged = judgeParts(await readParts(transaction, id));
  const better: DocumentStatus = judged === "completed" || status === "failed" ? judged : status;
  if (better === status) await touchDocument(transaction, id);
  else await markEnded(transaction, id, { status: better });
}
