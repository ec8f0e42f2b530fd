import {
  collectionReferenceSchema,
  documentBulkCountsSchema,
  documentStatusSchema,
  fileTypeSchema,
  idSchema,
} from "@millrace/contracts";
import type { DocumentBulkCounts } from "@millrace/contracts";
import { defineTask } from "@millrace/queue";
import { z } from "zod";

const action = <Name extends string>(name: Name) => z.object({ action: z.literal(name) });
const tags = { tags: z.array(z.string()) };
const collection = { collection: idSchema };

/** As `DocumentChange` with the ids of collections: who renames one meanwhile changes nothing. */
export const resolvedChangeSchema = z.discriminatedUnion("action", [
  action("tag").extend(tags),
  action("untag").extend(tags),
  action("add_to_collection").extend(collection),
  action("remove_from_collection").extend(collection),
  action("trash"),
  action("restore"),
  action("delete"),
  action("reprocess"),
]);
/** A change whose collection has been looked up. */
export type ResolvedChange = z.infer<typeof resolvedChangeSchema>;

const inputSchema = z.object({
  person_id: idSchema,
  /** Documents whose ids are smaller: those that were there when it was asked for. */
  before: idSchema,
  marks: z.object({
    ids: z.array(idSchema).optional(),
    status: documentStatusSchema.optional(),
    fileType: fileTypeSchema.optional(),
    search: z.string().optional(),
    tag: z.string().optional(),
    collection: collectionReferenceSchema.optional(),
    trash: z.enum(["only", "too"]).optional(),
  }),
  change: resolvedChangeSchema,
});
export type ChangeManyInput = z.infer<typeof inputSchema>;

/** One change for many documents, each in a transaction of its own; what can't be changed does not keep the others. */
export const changeManyDocuments = defineTask<ChangeManyInput, DocumentBulkCounts>({
  name: "documents.change_many",
  queue: "documents",
  description: "Tags, moves, deletes or works again through many documents.",
  // A hundred thousand documents.
  softLimitMs: 2 * 3_600_000,
  hardLimitMs: 3 * 3_600_000,
  input: inputSchema,
  output: documentBulkCountsSchema,
});
