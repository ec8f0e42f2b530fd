import { partNameSchema } from "@millrace/contracts";
import type { QueryAccess } from "@millrace/database";
import type { Extractor, Recogniser, VirusScanner } from "@millrace/extract";
import type { Models } from "@millrace/models";
import { defineTask } from "@millrace/queue";
import type { NewEvent, WriteScope } from "@millrace/queue";
import { z } from "zod";
import type { FileStore } from "../files/index.ts";

const inputSchema = z.object({
  document_id: z.uuid(),
  /** `everything`: from the bytes on. `parts`: only parts of the analysis, from the stored text. */
  scope: z.enum(["everything", "parts"]),
  parts: z.array(partNameSchema),
  /**
   * `fresh`: models are asked anew, though answers to the same questions are stored. Producers of before it
   * leave it out; it may become required when their jobs have ended.
   */
  answers: z.enum(["reuse", "fresh"]).default("reuse"),
  /**
   * Opens a PDF that asks for one; see `packPassword`. There until the text is read, and gone when the job ends:
   * workers of before it leave it out and fail with `pdf_encrypted`.
   */
  password: z.string().optional(),
});
export type ProcessInput = z.infer<typeof inputSchema>;

const outputSchema = z.object({ status: z.enum(["completed", "partial"]), text_length: z.int() });
export type ProcessOutput = z.infer<typeof outputSchema>;

/** Everything that happens to a document behind the 202. */
export const processDocument = defineTask<ProcessInput, ProcessOutput>({
  name: "documents.process_document",
  queue: "documents",
  redact: ["password"],
  input: inputSchema,
  output: outputSchema,
});

/** How text in pictures is recognised. */
export type Recognition = {
  readonly recogniser: Recogniser;
  /** Pages of one document. */
  readonly maxPages: number;
};

export type ProcessParts = {
  readonly database: QueryAccess;
  readonly files: FileStore;
  readonly extractor: Extractor;
  readonly models: Models;
  /** Left out: files are not scanned. */
  readonly virusScanner?: VirusScanner | undefined;
  /** Left out: text in pictures is not recognised. */
  readonly recognition?: Recognition | undefined;
  /** The queue's: events of a document's stream when no attempt is there to emit them. */
  readonly appendEvents: (scope: WriteScope, events: readonly NewEvent[]) => Promise<void>;
};
