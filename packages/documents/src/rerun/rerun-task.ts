import { partNameSchema } from "@millrace/contracts";
import { defineTask } from "@millrace/queue";
import { z } from "zod";

const inputSchema = z.object({
  document_id: z.uuid(),
  part: partNameSchema,
  /** Null: the model that is set up for it. */
  model: z.string().nullable(),
});
export type RerunInput = z.infer<typeof inputSchema>;

const outputSchema = z.object({
  /** As it is stored with the part. */
  result: z.record(z.string(), z.unknown()),
  model: z.string(),
  extractive: z.boolean(),
  input_tokens: z.int().nullable(),
  output_tokens: z.int().nullable(),
});
export type RerunOutput = z.infer<typeof outputSchema>;

/** One part of a document's analysis again, of its stored text, by a model of one's choice. */
export const rerunPart = defineTask<RerunInput, RerunOutput>({
  name: "documents.rerun_part",
  queue: "documents",
  input: inputSchema,
  output: outputSchema,
});
