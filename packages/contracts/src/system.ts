import { z } from "zod";
import { brokerStateSchema } from "./broker.ts";

/** `GET /api/system`: what a page needs to know of the installation; no secrets. */
export const systemSchema = z
  .object({
    version: z.string(),
    mode: z.enum(["embedded", "server"]),
    database: z.string(),
    /** Of the process that answers. */
    broker: brokerStateSchema,
    models: z.object({
      chat: z.object({ name: z.string(), built_in: z.boolean() }),
      /** The chat models that can be asked for by name, the first choice first. */
      chat_choices: z.array(z.object({ name: z.string(), built_in: z.boolean() })),
      embedding: z.object({ name: z.string(), built_in: z.boolean() }),
      /** A person should know, such as that embeddings are built in while chat has a model. */
      notices: z.array(z.string()),
    }),
    max_upload_bytes: z.int(),
    file_types: z.array(z.string()),
    /** How long what is deleted can be restored; 0: not at all. */
    trash_days: z.int(),
  })
  .meta({ id: "System" });
export type System = z.infer<typeof systemSchema>;
