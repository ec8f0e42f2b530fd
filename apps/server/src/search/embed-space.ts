import type { Database } from "@millrace/database";
import { isMillraceError } from "@millrace/kernel";
import type { Models } from "@millrace/models";
import { defineTask, handleTask, snooze } from "@millrace/queue";
import type { AnyTaskHandler, JobContext } from "@millrace/queue";
import {
  beginRun,
  findSpaceById,
  finishFilling,
  keepVectorIndexes,
  lookForMissing,
  markIfBroken,
  nextToEmbed,
  recordFillError,
  storeBatch,
} from "@millrace/search";
import type { EmbeddingSpace, NextPassages } from "@millrace/search";
import { recordCharge } from "@millrace/usage";
import { z } from "zod";

/** Behind everybody's work, and paused with that queue too. */
export const embedSpace = defineTask({
  name: "search.embed_space",
  description:
    "Embeds all passages with another embedding model, and switches search to it when all are there.",
  queue: "low_priority",
  priority: 1,
  input: z.strictObject({ space_id: z.uuid() }),
  output: z.object({ outcome: z.enum(["complete", "paused", "left"]) }),
  unique: ({ space_id: id }) => id,
  retries: 10,
  // An approximate index of a million vectors takes about an hour.
  softLimitMs: 3 * 3_600_000,
  hardLimitMs: 4 * 3_600_000,
});

/** Passages of one request to the model, and of one transaction. */
const batchSize = 64;
/** Then the slot is for others, and what there is to do is counted anew. */
const turnMs = 5 * 60_000;
/** Where this worker does not reach the model, another one may. */
const passOnMs = 5_000;
/** Until upkeep has dropped an index that is broken. */
const brokenIndexMs = 30_000;
/** After the switch: documents that a worker of the former setting was at. */
const afterSwitchMs = 30_000;
/** So often passages may have come meanwhile; those that then lack a vector get it from their own job, or after the switch. */
const mostPasses = 5;

type Parts = { readonly database: Database; readonly models: Models };
type Context = JobContext<{ readonly space_id: string }>;

/** It goes on from passage to passage, whatever worker runs it, and may be killed anywhere. */
export function handleEmbedSpace(parts: Parts): AnyTaskHandler {
  return handleTask({
    task: embedSpace,
    run: async (context) => {
      const { space_id: id } = context.input;
      try {
        return await fill(parts, context, id);
      } catch (thrown) {
        if (await markIfBroken(parts.database.background.queryable, thrown, id))
          throw snooze(brokenIndexMs, "The index of vectors is broken");
        // People see why it does not go on; a turn that ended is no failure.
        if (isMillraceError(thrown) && !context.signal.aborted)
          await recordFillError(parts.database.background.queryable, id, thrown);
        throw thrown;
      }
    },
  });
}

async function fill(parts: Parts, context: Context, id: string) {
  const { database } = parts;
  const { background } = database;
  const endsMs = performance.now() + turnMs;
  let isBegun = false;
  for (let passes = 1; ;) {
    const space = await findSpaceById(background.queryable, id);
    if (space === undefined || space.status === "retired") return { outcome: "left" as const };
    if (space.pausedAt !== null) return { outcome: "paused" as const };
    if (!parts.models.embeds({ name: space.model, revision: space.revision }))
      throw snooze(passOnMs, `This worker does not reach ${space.model}`);
    if (space.isIndexBroken) throw snooze(brokenIndexMs, `The index of ${space.model} is broken`);
    if (performance.now() > endsMs) throw snooze(0, "Others have their turn");
    if (!isBegun) {
      // Not before: it reads some hundred pages, and a worker that passes the job on comes here every few seconds.
      await beginRun(background.queryable, id);
      isBegun = true;
      continue;
    }
    const next = await nextToEmbed(background.queryable, id, { limit: batchSize, signal: context.signal });
    if (next.passages.length > 0) {
      if ((await embedBatch(parts, context, { space, next })) === "left") return { outcome: "left" as const };
      continue;
    }
    // Where there is one to be made, it is there when the space begins to answer.
    await keepVectorIndexes(database, context.signal);
    const isEnough = passes >= mostPasses;
    const look = await lookForMissing(background.queryable, id, context.signal);
    const end = await context.transaction((scope) =>
      finishFilling(scope.transaction, id, { look, isEnough }),
    );
    if (end === "switched") {
      context.log("info", `Search uses ${space.model} from now on`);
      throw snooze(afterSwitchMs, "Looks once more for passages that came in the meantime");
    }
    if (end !== "goes_on") return { outcome: end ?? ("left" as const) };
    passes += 1;
  }
}

async function embedBatch(
  { models }: Parts,
  context: Context,
  { space, next }: { readonly space: EmbeddingSpace; readonly next: NextPassages },
): Promise<"stored" | "left"> {
  const { id: job } = context.job;
  const { passages: batch, passed } = next;
  const step = `embed/${batch[0]?.id ?? ""}`;
  const embedded = await models.embed({
    purpose: "search.embedding",
    origin: { owner: null, job, step },
    model: { name: space.model, revision: space.revision },
    texts: batch.map(({ text }) => text),
    signal: context.signal,
  });
  const vectors = batch.map(({ id: chunkId }, at) => ({ chunkId, vector: embedded.vectors[at] ?? [] }));
  const { dimensions } = embedded;
  const end = await context.transaction(async ({ transaction }) => {
    const stored = await storeBatch(transaction, space, { dimensions, vectors, passed });
    if (space.isBuiltIn) return stored;
    const { model, cost, usage } = embedded;
    await recordCharge(transaction, {
      ...{ job, step, owner: null, model, cost },
      usage: { inputTokens: usage.inputTokens, outputTokens: 0 },
    });
    return stored;
  });
  const done = space.passages.done + passed + batch.length;
  const total = Math.max(space.passages.total, done);
  context.progress({
    ...{ percent: (100 * done) / total, stage: "embedding", done, total, unit: "passages" },
    message: `Embedding passage ${done} of ${total}`,
  });
  return end;
}
