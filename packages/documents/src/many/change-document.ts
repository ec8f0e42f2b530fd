import { isSettled, partNames } from "@millrace/contracts";
import type { Access } from "@millrace/kernel";
import type { Queue, WriteScope } from "@millrace/queue";
import { sql } from "kysely";
import type { DocumentRow } from "../document-row.ts";
import { documentBusy, documentNotFound } from "../errors.ts";
import { addTags, addToCollection, removeFromCollection, removeTags } from "../organise/index.ts";
import { beginAgain } from "../process/begin-again.ts";
import { cancelIfOpen } from "../process/cancel-if-open.ts";
import { findDocument, lockDocument, readReruns } from "../read-documents.ts";
import type { TrashChoice } from "../read-documents.ts";
import { deleteRows, moveToTrash, takeFromTrash } from "../trash/index.ts";
import { resetParts } from "../write-documents.ts";
import type { ResolvedChange } from "./change-many-task.ts";

export type ChangeParts = { readonly queue: Queue; readonly trashDays: number };

/** What a change did. */
export type Changed = {
  /** False: it was so already. */
  readonly isChanged: boolean;
  /** The stored file of a deleted document; to be removed when this has been committed, if no other has it. */
  readonly fileKey?: string | null;
  /** Jobs whose work is part of another now; to be cancelled when this has been committed. */
  readonly outdated?: readonly string[];
};

const unchanged: Changed = { isChanged: false };

/**
 * Does one thing with one document in the caller's transaction. Undefined, with nothing written, when another job
 * has begun on it since it was seen: once more in another transaction. Throws `document_not_found`, also for what
 * is in the trash where the change is not for that, and `document_busy`.
 */
export async function changeDocument(
  parts: ChangeParts,
  scope: WriteScope,
  access: Access,
  given: {
    readonly id: string;
    readonly change: ResolvedChange;
    /** The job that does this; one that began later on the document is its own work of before. */
    readonly by?: string | undefined;
  },
): Promise<Changed | undefined> {
  const { id, change } = given;
  const changed = await perform(parts, scope, access, given);
  if (changed?.isChanged !== true) return changed;
  if (change.action !== "delete") {
    await sql`UPDATE document SET updated_at = now() WHERE id = ${id}`.execute(scope.transaction);
  }
  announceDocument(parts.queue, scope, access, id);
  return changed;
}

async function perform(
  parts: ChangeParts,
  scope: WriteScope,
  access: Access,
  { id, change, by }: Parameters<typeof changeDocument>[3],
): Promise<Changed | undefined> {
  const { transaction } = scope;
  switch (change.action) {
    case "tag":
      await lock(scope, access, id);
      return { isChanged: await addTags(transaction, id, change.tags) };
    case "untag":
      await lock(scope, access, id);
      return { isChanged: await removeTags(transaction, id, change.tags) };
    case "add_to_collection":
      await lock(scope, access, id);
      return { isChanged: await addToCollection(transaction, id, change.collection) };
    case "remove_from_collection":
      await lock(scope, access, id);
      return { isChanged: await removeFromCollection(transaction, id, change.collection) };
    case "trash":
      return parts.trashDays === 0
        ? await deleteForGood(parts, scope, access, id)
        : await trash(parts, scope, access, id);
    case "restore":
      return await restore(scope, access, id);
    case "delete":
      return await deleteForGood(parts, scope, access, id);
    case "reprocess":
      return await reprocess(parts, scope, access, { id, by });
  }
}

async function trash(
  parts: ChangeParts,
  scope: WriteScope,
  access: Access,
  id: string,
): Promise<Changed | undefined> {
  const seen = await find(scope, access, id, "too");
  if (seen.trashed_at !== null) return unchanged;
  const row = await lockStopped(parts, scope, access, seen);
  if (row === undefined) return undefined;
  if (row.trashed_at !== null) return unchanged;
  await moveToTrash(scope.transaction, id, parts.trashDays);
  return { isChanged: true };
}

async function restore(scope: WriteScope, access: Access, id: string): Promise<Changed> {
  const row = await lock(scope, access, id, "too");
  if (row.trashed_at === null) return unchanged;
  await takeFromTrash(scope.transaction, id);
  return { isChanged: true };
}

async function deleteForGood(
  parts: ChangeParts,
  scope: WriteScope,
  access: Access,
  id: string,
): Promise<Changed | undefined> {
  const row = await lockStopped(parts, scope, access, await find(scope, access, id, "too"));
  if (row === undefined) return undefined;
  // Whoever watches the work waits for its end, which the job can't tell of a document that is gone.
  if (!isSettled(row.status)) {
    const data = { message: "The document was deleted." };
    await parts.queue.appendEvents(scope, [
      { stream: `document:${id}`, owner: access.workspaceId, type: "document.cancelled", data },
    ]);
  }
  await deleteRows(scope.transaction, id);
  return { isChanged: true, fileKey: row.file_key };
}

async function reprocess(
  { queue }: ChangeParts,
  scope: WriteScope,
  access: Access,
  { id, by }: { readonly id: string; readonly by: string | undefined },
): Promise<Changed> {
  const row = await lock(scope, access, id);
  if (by !== undefined && row.job_id !== null && row.job_id > by) return unchanged;
  if (!isSettled(row.status)) throw documentBusy(id);
  await resetParts(scope.transaction, id, {});
  const outdated = await beginAgain(queue, scope, access, {
    document_id: id,
    scope: "everything",
    parts: [...partNames],
    answers: "fresh",
  });
  return { isChanged: true, outdated };
}

/**
 * Cancels the work on a document and locks its row; the job first, as everywhere: a worker holds its job's row
 * before it writes the document. Undefined when another job has begun since it was seen.
 */
async function lockStopped(
  { queue }: ChangeParts,
  scope: WriteScope,
  access: Access,
  seen: DocumentRow,
): Promise<DocumentRow | undefined> {
  const running = [...(await runningReruns(scope, seen.id)), ...(seen.job_id === null ? [] : [seen.job_id])];
  for (const jobId of running.toSorted()) await cancelIfOpen(queue, scope, jobId);
  const row = await lock(scope, access, seen.id, "too");
  const newer = (await runningReruns(scope, seen.id)).filter((jobId) => !running.includes(jobId));
  return row.job_id === seen.job_id && newer.length === 0 ? row : undefined;
}

/** The jobs that make single parts of a document again. */
async function runningReruns({ transaction }: WriteScope, id: string): Promise<string[]> {
  const reruns = await readReruns(transaction, id);
  return reruns.filter(({ state }) => state === "running").map((rerun) => rerun.job_id);
}

async function find(
  { transaction }: WriteScope,
  access: Access,
  id: string,
  inTrash?: TrashChoice,
): Promise<DocumentRow> {
  const row = await findDocument(transaction, access.workspaceId, id, inTrash);
  if (row === undefined) throw documentNotFound(id);
  return row;
}

async function lock(
  { transaction }: WriteScope,
  access: Access,
  id: string,
  inTrash?: TrashChoice,
): Promise<DocumentRow> {
  const row = await lockDocument(transaction, access.workspaceId, id, inTrash);
  if (row === undefined) throw documentNotFound(id);
  return row;
}

/** Tells whoever looks at lists of the workspace, when this is committed. */
export function announceDocument(queue: Queue, scope: WriteScope, access: Access, id: string): void {
  scope.afterCommit(() =>
    queue.bus.publishNotice({
      topic: "workspace",
      owner: access.workspaceId,
      type: "document.changed",
      data: { document_id: id },
    }),
  );
}
