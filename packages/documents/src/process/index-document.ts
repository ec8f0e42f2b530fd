import { cancelThisJob } from "@millrace/queue";
import type { JobContext } from "@millrace/queue";
import {
  addChunks,
  beginSource,
  chunksWithoutEmbedding,
  chunkText,
  listSpaces,
  markIfBroken,
  storeEmbeddings,
} from "@millrace/search";
import type { EmbeddingModel, EmbeddingSpace } from "@millrace/search";
import { recordCharge } from "@millrace/usage";
import { markIndexed } from "../write-documents.ts";
import type { ProcessInput, ProcessParts } from "./process-task.ts";
import { lockForProcessing, readForProcessing, readStoredText } from "./read-for-processing.ts";
import type { ProcessedDocument } from "./read-for-processing.ts";

const firstPercent = 50;
const lastPercent = 60;
/** Passages per transaction: some ten milliseconds, so that others get the connection between. */
const batchSize = 25;

/** Cuts the stored text into passages, makes them searchable, and stores a vector for each. */
export async function indexDocument(
  parts: ProcessParts,
  context: JobContext<ProcessInput>,
  document: ProcessedDocument,
): Promise<void> {
  context.progress({ percent: firstPercent, stage: "indexing", message: "Making it searchable" });
  const { chunk_count } = await context.step("index", () => storeChunks(parts, context, document));
  await embedChunks(parts, context, document, chunk_count);
  await context.transaction((scope) => markIndexed(scope.transaction, document.id));
  context.progress({ percent: lastPercent, stage: "indexing", message: "It can be searched" });
}

async function storeChunks(
  parts: ProcessParts,
  context: JobContext<ProcessInput>,
  document: ProcessedDocument,
): Promise<{ chunk_count: number }> {
  const { text, pages } = await readStoredText(parts.database.queryable, document.id);
  const fresh = await readForProcessing(parts.database.queryable, document.id);
  const chunks = await chunkText(text, pages);
  const source = {
    id: document.id,
    workspaceId: document.workspace_id,
    language: fresh?.language ?? null,
    chunkCount: chunks.length,
  };
  await context.transaction(async ({ transaction }) => {
    // Whoever deletes it hides or removes what search has: nothing may be added to that behind the back.
    const current = await lockForProcessing(transaction, document.id);
    if (current === undefined || current.trashed_at !== null)
      throw cancelThisJob("The document was deleted.");
    await beginSource(transaction, source);
  });
  for (let from = 0; from < chunks.length; from += batchSize) {
    const batch = chunks.slice(from, from + batchSize);
    await context.transaction((scope) => addChunks(scope.transaction, source, batch));
  }
  context.log(
    "info",
    chunks.length === 1 ? "1 passage can be searched" : `${chunks.length} passages can be searched`,
  );
  return { chunk_count: chunks.length };
}

/**
 * In the space that answers queries and in the one that will, as far as this process reaches their models: what it
 * does not reach, the job that fills the space embeds. Each batch is stored when it is there; what has a vector is
 * not embedded again. Where the approximate index is broken, they wait for it with those of others.
 */
async function embedChunks(
  parts: ProcessParts,
  context: JobContext<ProcessInput>,
  document: ProcessedDocument,
  chunks: number,
): Promise<void> {
  const spaces = await spacesOfDocument(parts);
  const total = chunks * spaces.length;
  let done = 0;
  for (const space of spaces) {
    try {
      for (;;) {
        const embedded = await embedBatch(parts, context, { document, space });
        if (embedded === 0) break;
        done += embedded;
        const percent = firstPercent + (done / Math.max(1, total)) * (lastPercent - firstPercent);
        const message = `Embedding passage ${done} of ${total}`;
        context.progress({ percent, done, total, unit: "passages", message });
      }
    } catch (error) {
      if (!(await markIfBroken(parts.database.queryable, error, space.id))) throw error;
      context.log("warning", `The index of ${space.model} is broken: vectors will follow`);
    }
  }
  if (spaces.length === 0) {
    context.log("warning", "No embedding model of search can be used here now: vectors will follow");
  }
}

type SpaceToEmbed = EmbeddingModel & Partial<Pick<EmbeddingSpace, "id">>;

/** But those that wait: paused, or with a broken index. Before the first space was announced: that of the settings. */
async function spacesOfDocument({ database, models }: ProcessParts): Promise<SpaceToEmbed[]> {
  const spaces = await listSpaces(database.queryable);
  if (spaces.length === 0) return [{ model: models.embedding.name, revision: models.embedding.revision }];
  return spaces.filter(
    ({ status, pausedAt, isIndexBroken, model: name, revision }) =>
      status !== "retired" && pausedAt === null && !isIndexBroken && models.embeds({ name, revision }),
  );
}

async function embedBatch(
  parts: ProcessParts,
  context: JobContext<ProcessInput>,
  { document, space }: { readonly document: ProcessedDocument; readonly space: EmbeddingModel },
): Promise<number> {
  const { models, database } = parts;
  // A space may be paused while a long document is at it: nothing is asked of its model after the batch in flight.
  const isOpenNow = (await spacesOfDocument(parts)).some(
    ({ model, revision }) => model === space.model && revision === space.revision,
  );
  if (!isOpenNow) return 0;
  const batch = await chunksWithoutEmbedding(database.queryable, document.id, space, 64);
  const first = batch[0];
  if (first === undefined) return 0;
  // No durable step, yet done once: what has a vector never begins a batch again.
  const isOfSettings = space.model === models.embedding.name;
  const step = isOfSettings ? `embed/${first.id}` : `embed/${space.model}/${first.id}`;
  const embedded = await models.embed({
    purpose: "document.embedding",
    origin: { owner: context.job.owner, job: context.job.id, step },
    model: { name: space.model, revision: space.revision ?? "" },
    texts: batch.map((chunk) => chunk.text),
    signal: context.signal,
  });
  const vectors = batch.map((chunk, index) => ({
    chunkId: chunk.id,
    vector: embedded.vectors[index] ?? [],
  }));
  const isOpen = await context.transaction(async ({ transaction }) => {
    const of = { model: space.model, revision: space.revision, dimensions: embedded.dimensions };
    const isStored = await storeEmbeddings(transaction, of, vectors);
    if (embedded.model.startsWith("builtin:")) return isStored;
    const { id: job, owner } = context.job;
    const { model, cost } = embedded;
    const usage = { inputTokens: embedded.usage.inputTokens, outputTokens: 0 };
    await recordCharge(transaction, { job, step, owner, model, usage, cost });
    return isStored;
  });
  // A space that was left meanwhile would be embedded for ever.
  return isOpen ? batch.length : 0;
}
