import type { JobContext } from "@millrace/queue";
import { recordCharge } from "@millrace/usage";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type { QuestionScope } from "../question-row.ts";
import type { WorkRow } from "../read-questions.ts";
import { readPassages, retrievePassages } from "../retrieval/retrieve.ts";
import type { ReadPassage, Retrieved } from "../retrieval/retrieve.ts";
import type { AnswerInput, AnswerParts } from "./answer-task.ts";

/** About 5,000 tokens: more cost more and hide the right one among others, fewer miss it. Untuned. */
const mostPassages = 12;

/**
 * The passages that are nearest to the question, with their texts. Another attempt reads the same ones, unless some
 * are gone meanwhile, with their document or because it was processed anew: then it looks again, or it would answer
 * from what nobody has any more, which is nothing.
 */
export async function findToRead(
  parts: AnswerParts,
  context: JobContext<AnswerInput>,
  row: WorkRow,
): Promise<ReadPassage[]> {
  for (let look = 1; ; look++) {
    const { passages: found, read: readNow } = await retrieve(parts, context, row, look);
    const read = readNow ?? (await readPassages(parts, row.workspace_id, found));
    // What was looked for just now is what there is. Each further look is one that an earlier attempt recorded.
    if (readNow !== undefined || read.length === found.length) return read;
    context.log("info", "Passages that were found before are gone: looking again.");
  }
}

/** `read`: the texts, when they were looked for just now and not in an attempt before. */
async function retrieve(
  parts: AnswerParts,
  context: JobContext<AnswerInput>,
  row: WorkRow,
  look: number,
): Promise<Retrieved & { readonly read: ReadPassage[] | undefined }> {
  const { id: job, owner } = context.job;
  const key = look === 1 ? "retrieve" : `retrieve/${look}`;
  let read: ReadPassage[] | undefined;
  const retrieved = await context.step<Retrieved>(
    key,
    async (signal) => {
      const found = await retrievePassages(parts, {
        workspaceId: row.workspace_id,
        // All of its words are words to look for: a question has no query language.
        query: { words: row.question, phrases: [], excluded: [], fields: [] },
        sources: sourcesOf(parts, row.workspace_id, row.scope),
        limit: mostPassages,
        purpose: "ask.question",
        origin: { owner, job, step: key },
        signal,
      });
      read = await readPassages(parts, row.workspace_id, found.passages);
      // One that can't be read though it is found would have each attempt look again.
      const readable = new Set(read.map(({ chunkId }) => chunkId));
      return { ...found, passages: found.passages.filter(({ chunkId }) => readable.has(chunkId)) };
    },
    {
      record: async (scope, { passages, embedding }) => {
        const documents = new Set(passages.map(({ documentId }) => documentId)).size;
        scope.emit("ask.retrieved", { passages: passages.length, documents });
        if (embedding !== undefined)
          await recordCharge(scope.transaction, { job, step: key, owner, ...embedding });
      },
    },
  );
  if (retrieved.withoutVectors !== null)
    context.log("warning", `Looked for words only, not for meaning: ${retrieved.withoutVectors}.`);
  return { ...retrieved, read };
}

function sourcesOf(
  { sourcesFor }: AnswerParts,
  workspaceId: string,
  { document_ids: ids, filters }: QuestionScope,
): RawBuilder<unknown> | undefined {
  const filtered = sourcesFor(workspaceId, filters ?? {});
  const named = ids === null ? undefined : sql`SELECT unnest(${[...ids]}::uuid[])`;
  if (filtered === undefined || named === undefined) return filtered ?? named;
  return sql`(${filtered}) INTERSECT (${named})`;
}
