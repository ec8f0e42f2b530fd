import { isTerminal } from "@millrace/contracts";
import { MillraceError } from "@millrace/kernel";
import { findJobs, snooze } from "@millrace/queue";
import type { JobContext, JobRecord } from "@millrace/queue";
import type { ProcessInput, ProcessParts, Recognition } from "./process-task.ts";
import { readStoredText } from "./read-for-processing.ts";
import type { ProcessedDocument } from "./read-for-processing.ts";
import { recognitionProgress } from "./recognition-progress.ts";
import { recogniseText } from "./recognise-task.ts";

/** How long it rests between looks, at least: a page takes some seconds. */
const firstLookMs = 3_000;
/** At most, while its pages are read. */
const lastLookMs = 30_000;
/** At most, while those of others are. */
const lastLookInLineMs = 120_000;

/**
 * Has the text of pages recognised by a job of its own, and holds no slot until that has ended. When it can't
 * be done the document goes on with the text that it has; without any, this throws why.
 */
export async function awaitRecognition(
  parts: ProcessParts & { readonly recognition: Recognition },
  context: JobContext<ProcessInput>,
  { document, pages }: { readonly document: ProcessedDocument; readonly pages: readonly number[] },
): Promise<void> {
  const { maxPages } = parts.recognition;
  const input = {
    document_id: document.id,
    job_id: context.job.id,
    pages: pages.slice(0, maxPages),
    left_out: pages.slice(maxPages),
    password: context.input.password,
  };
  const { id } = await context.enqueueChild("recognise", recogniseText, input);
  const jobs = await findJobs(parts.database.queryable, [id, context.job.id]);
  const job = jobs.find((one) => one.id === id);
  if (job?.state === "succeeded") return;
  if (job !== undefined && !isTerminal(job.state)) {
    const own = jobs.find((one) => one.id === context.job.id);
    const total = input.pages.length;
    const progress = recognitionProgress(job.done ?? 0, total);
    // Each report is an event, and a drop of many pictures has most of them wait for long.
    if (progress.message !== own?.message) context.progress(progress);
    throw snooze(untilNextLookMs(job, own, total), `Text is being recognised in ${total} pages.`);
  }
  const code = job?.error_code ?? "recognition_ended";
  const message =
    job?.error_message ?? "The recognition of its text was cancelled or deleted. Process the document again.";
  const { text } = await readStoredText(parts.database.queryable, document.id);
  if (text.trim() === "") throw new MillraceError({ code, kind: "unavailable", message });
  context.log("warning", `The text in pictures could not be recognised. ${message}`);
}

/**
 * For the progress, and should nobody wake it at the end: by the pages that are left once they are read; until then
 * after as long as it has waited already, so that a thousand documents in line don't keep workers and database busy
 * with looking.
 */
function untilNextLookMs(job: JobRecord, own: JobRecord | undefined, total: number): number {
  if (job.state === "running") {
    const left = total - (job.done ?? 0);
    return Math.min(Math.max(left * 1_000, firstLookMs), lastLookMs);
  }
  // When this look was due: both are of the database's clock.
  const waitedMs = (own?.run_at ?? job.created_at).getTime() - job.created_at.getTime();
  return Math.min(Math.max(waitedMs, firstLookMs), lastLookInLineMs);
}
