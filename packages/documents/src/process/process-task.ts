import { partNameSchema } from "@millrace/contracts";
import type { QueryAccess } from "@millrace/database";
import type { Extractor } from "@millrace/extract";
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
});
export type ProcessInput = z.infer<typeof inputSchema>;

const outputSchema = z.object({ status: z.enum(["completed", "partial"]), text_length: z.int() });
export type ProcessOutput = z.infer<typeof outputSchema>;

/** Everything that happens to a document behind the 202. */
export const processDocument = defineTask<ProcessInput, ProcessOutput>({
  name: "documents.process_document",
  queue: "documents",
  input: inputSchema,
  output: outputSchema,
});

export type ProcessParts = {
  readonly database: QueryAccess;
  readonly files: FileStore;
  readonly extractor: Extractor;
  readonly models: Models;
  /** The queue's: events of a document's stream when no attempt is there to emit them. */
  readonly appendEvents: (scope: WriteScope, events: readonly NewEvent[]) => Promise<void>;
};
