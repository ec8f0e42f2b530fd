import { z } from "zod";
import { maxAttachments, maxPdfPages } from "../limits.ts";
import { methodFailureCodes } from "../methods/method-failure.ts";

const warningSchema = z.object({ code: z.string().max(100), message: z.string().max(1000) });
const pageSchema = z.object({ page: z.int(), charStart: z.int(), charEnd: z.int() });

const attachmentSchema = z.object({
  name: z.string().max(200),
  file: z.string().regex(/^attachment-\d{1,4}$/),
});

const resultSchema = z.object({
  type: z.literal("result"),
  id: z.int(),
  /** Null when the text was too long for a message and lies in the file the task named. */
  text: z.string().nullable(),
  title: z.string().nullable(),
  pages: z.array(pageSchema),
  encoding: z.string().nullable(),
  warnings: z.array(warningSchema).max(100),
  pagesWithoutText: z.array(z.int().positive()).max(maxPdfPages),
  confidence: z.number().min(0).max(100).nullable(),
  attachments: z.array(attachmentSchema).max(maxAttachments),
  isWeak: z.boolean(),
  letters: z.number(),
});

/** Everything a child may say. A child has read a stranger's file, so its words are checked. */
export const childMessageSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready") }),
  z.object({ type: z.literal("progress"), id: z.int(), done: z.int(), total: z.int() }),
  resultSchema,
  z.object({
    type: z.literal("failure"),
    id: z.int(),
    code: z.enum(methodFailureCodes),
    detail: z.string().max(1000),
    reason: z.string().max(1000),
  }),
]);

export type ChildMessage = z.infer<typeof childMessageSchema>;
/** One reading of a file, the text in hand. */
export type Reading = Omit<z.infer<typeof resultSchema>, "type" | "id" | "text"> & { readonly text: string };
