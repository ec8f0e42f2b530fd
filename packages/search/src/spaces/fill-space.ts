import type { Queryable, Transaction } from "@millrace/database";
import { sql } from "kysely";
import { storeEmbeddings } from "../indexing/embeddings.ts";
import type { NewEmbedding } from "../indexing/embeddings.ts";
import { activate, lockSpaces, retire } from "./announce-space.ts";
import { countPassages } from "./count-passages.ts";
import { findSpaceById } from "./embedding-space.ts";
import type { EmbeddingSpace } from "./embedding-space.ts";
import { beforeAll, takeStep } from "./walk-passages.ts";
import type { Look } from "./walk-passages.ts";

/** Passages without a vector, none at the end, and how many that have one were passed on the way to the last. */
export type NextPassages = {
  readonly passages: readonly { readonly id: string; readonly text: string }[];
  readonly passed: number;
};

/**
 * Passages that have no vector of a space yet, in order, from where its filling has come to. What it passes on the way
 * is noted, so that nobody passes it again. Throws when the signal comes.
 */
export async function nextToEmbed(
  queryable: Queryable,
  spaceId: string,
  { limit, signal }: { readonly limit: number; readonly signal?: AbortSignal | undefined },
): Promise<NextPassages> {
  for (let after = await readPlace(queryable, spaceId); ;) {
    signal?.throwIfAborted();
    const step = await takeStep(queryable, spaceId, { after, limit });
    if (step.kind === "end") return { passages: [], passed: 0 };
    if (step.kind === "missing") return step;
    after = await movePlace(queryable, spaceId, { ...step, from: after });
  }
}

async function readPlace(queryable: Queryable, spaceId: string): Promise<string> {
  const found = await sql<{ place: string | null }>`
    SELECT last_chunk_id AS place FROM embedding_space WHERE id = ${spaceId}`.execute(queryable);
  return found.rows[0]?.place ?? beforeAll;
}

/** Gives the place to go on from: that which somebody else has set meanwhile, if so. */
async function movePlace(
  queryable: Queryable,
  spaceId: string,
  { from, place, passed }: { readonly from: string; readonly place: string; readonly passed: number },
): Promise<string> {
  const moved = await sql`
    UPDATE embedding_space SET last_chunk_id = ${place}, passages_done = least(passages_done + ${passed}::int, passages_total)
    WHERE id = ${spaceId} AND coalesce(last_chunk_id, ${beforeAll}::uuid) = ${from}::uuid RETURNING id`.execute(
    queryable,
  );
  return moved.rows.length > 0 ? place : await readPlace(queryable, spaceId);
}

/** Begins or goes on with filling a space: counts what there is anew, and forgets the pace and the failure of before. */
export async function beginRun(queryable: Queryable, spaceId: string): Promise<void> {
  await countPassages(queryable, spaceId);
  await sql`
    UPDATE embedding_space SET run_began_at = clock_timestamp(), run_began_done = passages_done,
           error_code = NULL, error_message = NULL
    WHERE id = ${spaceId}`.execute(queryable);
}

/**
 * Stores a batch and how far it came, together: what is stored is never embedded again. A model whose vectors have
 * another length than those of before gets another space. `passed` is what `nextToEmbed` gave with the passages.
 */
export async function storeBatch(
  transaction: Transaction,
  space: EmbeddingSpace,
  batch: { readonly dimensions: number; readonly vectors: readonly NewEmbedding[]; readonly passed: number },
): Promise<"stored" | "left"> {
  const { dimensions, vectors } = batch;
  const isOther = space.dimensions !== null && space.dimensions !== dimensions;
  if (isOther && space.status === "building") {
    await lockSpaces(transaction);
    await retire(transaction, { status: "building" });
  }
  const isStored = await storeEmbeddings(transaction, { ...space, dimensions }, vectors);
  if (isOther || !isStored) return "left";
  await sql`
    UPDATE embedding_space SET last_chunk_id = coalesce(${vectors.at(-1)?.chunkId ?? null}::uuid, last_chunk_id),
           passages_done = least(passages_done + ${vectors.length + batch.passed}::int, passages_total)
    WHERE id = ${space.id}`.execute(transaction);
  return "stored";
}

/**
 * After a look at all passages: switches to the space if really all have a vector, or if `isEnough`, else goes back to
 * where the look found one without. Undefined: the space is gone. Those that came since the look are looked at here,
 * up to a thousand of them; what else lacks one is young, and is looked for once more after the switch.
 */
export async function finishFilling(
  transaction: Transaction,
  spaceId: string,
  { look, isEnough }: { readonly look: Look; readonly isEnough: boolean },
): Promise<"switched" | "complete" | "goes_on" | undefined> {
  await lockSpaces(transaction);
  const space = await findSpaceById(transaction, spaceId);
  if (space === undefined || space.status === "retired") return undefined;
  const isMissing = !look.isComplete || (await hasNewMissing(transaction, spaceId, look));
  await sql`
    UPDATE embedding_space SET last_chunk_id = ${look.place}, passages_done = least(${look.passages}::int, passages_total)
    WHERE id = ${spaceId}`.execute(transaction);
  if (isMissing && !isEnough) return "goes_on";
  if (space.status === "building" && space.pausedAt !== null) return "goes_on";
  await settle(transaction, spaceId, look.place);
  if (space.status === "active") return "complete";
  await activate(transaction, spaceId);
  return "switched";
}

async function hasNewMissing(transaction: Transaction, spaceId: string, look: Look): Promise<boolean> {
  return (await takeStep(transaction, spaceId, { after: look.place, limit: 1 })).kind === "missing";
}

/**
 * Notes that no passage up to a place lacks a vector of an active space, so that `spacesToFill` need not look there
 * again. Never closer than an hour: an id is made before its passage can be seen, by another machine's clock.
 */
async function settle(queryable: Queryable, spaceId: string, place: string): Promise<void> {
  await sql`
    UPDATE embedding_space SET last_chunk_id = least(${place}::uuid, (
      lpad(to_hex((extract(epoch FROM clock_timestamp() - interval '1 hour') * 1000)::bigint), 12, '0')
      || repeat('0', 20))::uuid)
    WHERE id = ${spaceId}`.execute(queryable);
}

/** Says with the space why filling it does not go on. */
export async function recordFillError(
  queryable: Queryable,
  spaceId: string,
  error: { readonly code: string; readonly message: string },
): Promise<void> {
  await sql`
    UPDATE embedding_space SET error_code = ${error.code}, error_message = ${error.message}
    WHERE id = ${spaceId}`.execute(queryable);
}

/**
 * Spaces with something to do: one that is being filled, and an active one that lacks vectors of older passages.
 * Younger ones are still being embedded by the job of their document. Looks on from where it was last; throws when the
 * signal comes.
 */
export async function spacesToFill(
  queryable: Queryable,
  signal: AbortSignal,
): Promise<{ readonly id: string }[]> {
  const found = await sql<{ id: string; status: "active" | "building" }>`
    SELECT id, status FROM embedding_space
    WHERE status = 'active' OR (status = 'building' AND paused_at IS NULL)`.execute(queryable);
  const unfilled: { id: string }[] = [];
  for (const { id, status } of found.rows)
    if (status === "building" || (await lacksOldVectors(queryable, id, signal))) unfilled.push({ id });
  return unfilled;
}

async function lacksOldVectors(queryable: Queryable, spaceId: string, signal: AbortSignal): Promise<boolean> {
  for (let after = await readPlace(queryable, spaceId); ;) {
    signal.throwIfAborted();
    const step = await takeStep(queryable, spaceId, { after, limit: 1, isOld: true });
    if (step.kind !== "passed") return step.kind === "missing";
    after = step.place;
    await settle(queryable, spaceId, after);
  }
}
