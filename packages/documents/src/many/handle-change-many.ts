import { documentBulkCountsSchema } from "@millrace/contracts";
import type { DocumentBulkCounts } from "@millrace/contracts";
import type { QueryAccess } from "@millrace/database";
import { cancelThisJob, handleTask } from "@millrace/queue";
import type { AnyTaskHandler, JobContext, Queue } from "@millrace/queue";
import { z } from "zod";
import type { FileStore } from "../files/index.ts";
import { countDocuments, listDocumentIds } from "../read-documents.ts";
import { addCounts, changeIds, noCounts, notFound } from "./change-ids.ts";
import type { Counts } from "./change-ids.ts";
import { changeManyDocuments } from "./change-many-task.ts";
import type { ChangeManyInput } from "./change-many-task.ts";

/** Documents per recorded step: about a second of work that another attempt would go through again. */
const batchSize = 100;

export type ChangeManyParts = {
  readonly database: QueryAccess;
  readonly files: FileStore;
  /** Asked for when a job runs: the queue is made of the handlers. */
  readonly queue: () => Queue;
  readonly trashDays: number;
};

const batchSchema = documentBulkCountsSchema.omit({ matched: true }).extend({
  /** From where the next batch goes on; null after the last. */
  before: z.string().nullable(),
});

/** The task behind a change of many documents. What was done stays done when it is cancelled. */
export function handleChangeMany(parts: ChangeManyParts): AnyTaskHandler {
  return handleTask({ task: changeManyDocuments, run: (context) => run(parts, context) });
}

async function run(
  parts: ChangeManyParts,
  context: JobContext<ChangeManyInput>,
): Promise<DocumentBulkCounts> {
  const { owner } = context.job;
  const { marks, before: newest } = context.input;
  if (owner === null) throw cancelThisJob("Nobody's documents.");
  const { queryable } = parts.database;
  const { matched } = await context.step("count", async () => ({
    matched: await countDocuments(queryable, owner, { ...marks, before: newest }),
  }));
  let counts: Counts = await context.step("missing", async () => {
    if (marks.ids === undefined) return noCounts;
    const limit = marks.ids.length;
    const found = new Set(await listDocumentIds(queryable, owner, { ...marks, before: newest, limit }));
    return notFound(marks.ids.filter((id) => !found.has(id)));
  });
  let done = 0;
  for (let before: string | null = newest; before !== null;) {
    const batch: z.infer<typeof batchSchema> = await changeBatch(parts, context, { owner, before });
    before = batch.before;
    counts = addCounts(counts, batch);
    done += batch.changed + batch.unchanged + batch.failed;
    const percent = Math.min(100, (100 * done) / Math.max(1, matched));
    context.progress({ percent, done, total: matched, unit: "documents", message: `${done} of ${matched}` });
  }
  return { matched, ...counts };
}

function changeBatch(
  parts: ChangeManyParts,
  context: JobContext<ChangeManyInput>,
  { owner, before }: { readonly owner: string; readonly before: string },
) {
  const { marks, change, person_id: personId } = context.input;
  return context.step(
    `batch/${before}`,
    async (signal) => {
      const selection = { ...marks, before, limit: batchSize };
      const ids = await listDocumentIds(parts.database.queryable, owner, selection);
      const counts = await changeIds(
        { queue: parts.queue(), trashDays: parts.trashDays },
        { workspaceId: owner, personId },
        { change, transaction: context.transaction, files: parts.files, by: context.job.id, ids, signal },
      );
      return { ...counts, before: ids.length < batchSize ? null : (ids.at(-1) ?? null) };
    },
    { output: batchSchema },
  );
}
