import { defineTask } from "@millrace/queue";
import { z } from "zod";

const inputSchema = z.object({
  document_id: z.uuid(),
  /** The job that processes the document and waits for this one. */
  job_id: z.uuid(),
  pages: z.array(z.int().positive()).min(1).max(2000),
  /** Pages beyond what one document may have recognised. */
  left_out: z.array(z.int().positive()).max(2000),
  /** As in the job that waits; gone when this one ends. */
  password: z.string().optional(),
});
export type RecogniseInput = z.infer<typeof inputSchema>;

const outputSchema = z.object({ recognised: z.int(), text_length: z.int() });
export type RecogniseOutput = z.infer<typeof outputSchema>;

const hourMs = 3_600_000;

/**
 * The text in pictures of pages, in a queue of its own: a scan takes seconds for each page, and other
 * documents don't wait for it.
 */
export const recogniseText = defineTask<RecogniseInput, RecogniseOutput>({
  name: "documents.recognise_text",
  queue: "ocr",
  // Of the four slots that a worker has by default, two stay with other work.
  concurrency: 2,
  // Two thousand pages on a slow machine; each page is a step, so that another attempt goes on from there.
  softLimitMs: 5 * hourMs,
  hardLimitMs: 6 * hourMs,
  redact: ["password"],
  input: inputSchema,
  output: outputSchema,
});
