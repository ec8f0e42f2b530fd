import type { DocumentBulkCounts } from "@millrace/contracts";
import { errorCode, isMillraceError } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import type { WriteScope } from "@millrace/queue";
import { removeUnusedFile } from "../files/index.ts";
import type { FileStore } from "../files/index.ts";
import { documentNotFound } from "../errors.ts";
import { cancelIfOpen } from "../process/cancel-if-open.ts";
import { changeDocument } from "./change-document.ts";
import type { ChangeParts } from "./change-document.ts";
import type { ResolvedChange } from "./change-many-task.ts";

/** Failures that are told one by one. */
const maxErrors = 100;

export type Counts = Omit<DocumentBulkCounts, "matched">;
export const noCounts: Counts = { changed: 0, unchanged: 0, failed: 0, errors: [] };

/** Opens a transaction: the queue's, or that of the job which does this. */
export type OpenScope = <Result>(work: (scope: WriteScope) => Promise<Result>) => Promise<Result>;

type Request = {
  readonly change: ResolvedChange;
  readonly transaction: OpenScope;
  readonly files: FileStore;
  /** The job that does this. */
  readonly by?: string | undefined;
};

/** Changes one document, and removes the stored file that nobody needs any more. Whether it was not so already. */
export async function changeOne(
  parts: ChangeParts,
  access: Access,
  { id, change, transaction, files, by }: Request & { readonly id: string },
): Promise<boolean> {
  for (;;) {
    const changed = await transaction((scope) => changeDocument(parts, scope, access, { id, change, by }));
    if (changed === undefined) continue;
    const { fileKey = null, outdated = [] } = changed;
    if (fileKey !== null) await removeUnusedFile(parts.queue.database.queryable, files, fileKey);
    for (const jobId of outdated) await transaction((scope) => cancelIfOpen(parts.queue, scope, jobId));
    return changed.isChanged;
  }
}

/** The same for several, one after the other; those that can't be changed are counted and named. */
export async function changeIds(
  parts: ChangeParts,
  access: Access,
  request: Request & { readonly ids: readonly string[]; readonly signal: AbortSignal },
): Promise<Counts> {
  let counts = noCounts;
  for (const id of request.ids) {
    request.signal.throwIfAborted();
    counts = addCounts(counts, await tryOne(parts, access, { ...request, id }));
  }
  return counts;
}

async function tryOne(
  parts: ChangeParts,
  access: Access,
  request: Request & { readonly id: string },
): Promise<Counts> {
  try {
    const isChanged = await changeOne(parts, access, request);
    return isChanged ? { ...noCounts, changed: 1 } : { ...noCounts, unchanged: 1 };
  } catch (error) {
    // An attempt before this one may have deleted it.
    const isGone = errorCode(error) === "document_not_found" && request.change.action === "delete";
    if (isGone && request.by !== undefined) return { ...noCounts, unchanged: 1 };
    // Only what is wrong with this one document: when the database is away, or the job another's, all is over.
    if (!isMillraceError(error) || !["not_found", "conflict"].includes(error.kind) || error.retryable)
      throw error;
    if (errorCode(error) === "lease_lost") throw error;
    return failureOf(request.id, error);
  }
}

/** Ids that were named and are not there, or not as the filter wants them. */
export function notFound(ids: readonly string[]): Counts {
  return ids.map((id) => failureOf(id, documentNotFound(id))).reduce(addCounts, noCounts);
}

function failureOf(id: string, error: { readonly code: string; readonly message: string }): Counts {
  return { ...noCounts, failed: 1, errors: [{ id, code: error.code, message: error.message }] };
}

/** Both together. */
export function addCounts(left: Counts, right: Counts): Counts {
  return {
    changed: left.changed + right.changed,
    unchanged: left.unchanged + right.unchanged,
    failed: left.failed + right.failed,
    errors: [...left.errors, ...right.errors].slice(0, maxErrors),
  };
}
