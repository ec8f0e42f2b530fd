import type { JobContext } from "@millrace/queue";
import { addChunks, beginSource, chunksWithoutEmbedding, chunkText, storeEmbeddings } from "@millrace/search";
import { recordCharge } from "@millrace/usage";
import { markIndexed } from "../write-documents.ts";
import type { ProcessInput, ProcessParts } from "./process-task.ts";
import { readForProcessing, readStoredText } from "./read-for-processing.ts";
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
  await context.transaction((scope) => beginSource(scope.transaction, source));
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

/** Each batch is stored when it is there; what has a vector is not embedded again. */
async function embedChunks(
  parts: ProcessParts,
  context: JobContext<ProcessInput>,
  document: ProcessedDocument,
  total: number,
): Promise<void> {
  const { models, database } = parts;
  for (let done = 0; ;) {
    const batch = await chunksWithoutEmbedding(database.queryable, document.id, models.embedding.name, 64);
    if (batch.length === 0) return;
    // No durable step, yet done once: what has a vector never begins a batch again.
    const step = `embed/${batch[0]?.id ?? ""}`;
    const embedded = await models.embed({
      purpose: "document.embedding",
      origin: { owner: context.job.owner, job: context.job.id, step },
      texts: batch.map((chunk) => chunk.text),
      signal: context.signal,
    });
    const vectors = batch.map((chunk, index) => ({
      chunkId: chunk.id,
      vector: embedded.vectors[index] ?? [],
    }));
    const space = { model: models.embedding.name, dimensions: embedded.dimensions };
    await context.transaction(async ({ transaction }) => {
      await storeEmbeddings(transaction, space, vectors);
      if (models.embedding.builtIn) return;
      const { id: job, owner } = context.job;
      const { model, cost } = embedded;
      const usage = { inputTokens: embedded.usage.inputTokens, outputTokens: 0 };
      await recordCharge(transaction, { job, step, owner, model, usage, cost });
    });
    done += batch.length;
    const percent = firstPercent + (done / Math.max(1, total)) * (lastPercent - firstPercent);
    context.progress({
      percent,
      done,
      total,
      unit: "passages",
      message: `Embedding passage ${done} of ${total}`,
    });
  }
}
