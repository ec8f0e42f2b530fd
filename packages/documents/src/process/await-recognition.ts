import { isTerminal } from "@millrace/contracts";
import { MillraceError } from "@millrace/kernel";
import { findJobs, snooze } from "@millrace/queue";
import type { JobContext } from "@millrace/queue";
import type { ProcessInput, ProcessParts, Recognition } from "./process-task.ts";
import { readStoredText } from "./read-for-processing.ts";
import type { ProcessedDocument } from "./read-for-processing.ts";
import { recognitionProgress } from "./recognition-progress.ts";
import { recogniseText } from "./recognise-task.ts";

/** How long it rests between looks: a page takes some seconds. */
const firstLookMs = 3_000;
const lastLookMs = 30_000;

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
  const [job] = await findJobs(parts.database.queryable, [id]);
  if (job?.state === "succeeded") return;
  if (job !== undefined && !isTerminal(job.state)) {
    const done = job.done ?? 0;
    const total = input.pages.length;
    context.progress(recognitionProgress(done, total));
    const left = total - done;
    const delayMs = Math.min(Math.max(left * 1_000, firstLookMs), lastLookMs);
    throw snooze(delayMs, `Text is being recognised in ${total} pages.`);
  }
  const code = job?.error_code ?? "recognition_ended";
  const message =
    job?.error_message ?? "The recognition of its text was cancelled or deleted. Process the document again.";
  const { text } = await readStoredText(parts.database.queryable, document.id);
  if (text.trim() === "") throw new MillraceError({ code, kind: "unavailable", message });
  context.log("warning", `The text in pictures could not be recognised. ${message}`);
}
