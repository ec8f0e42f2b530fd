import type { DocumentBulkCounts, DocumentChange, DocumentSelection } from "@millrace/contracts";
import { newId } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import type { JobRecord, Queue } from "@millrace/queue";
import { documentCountMismatch, trashChoiceNotFit } from "../errors.ts";
import type { FileStore } from "../files/index.ts";
import { readCollection } from "../organise/index.ts";
import { countDocuments, listDocumentIds } from "../read-documents.ts";
import type { DocumentMarks, TrashChoice } from "../read-documents.ts";
import { addCounts, changeIds, changeOne, noCounts, notFound } from "./change-ids.ts";
import { changeManyDocuments } from "./change-many-task.ts";
import type { ResolvedChange } from "./change-many-task.ts";

/** So many are changed while somebody waits, which takes about a second; more are work for a job. */
const maxAtOnce = 100;

export type ManyChanged = DocumentBulkCounts & {
  /** Goes on with it; undefined when all is done. */
  readonly job: JobRecord | undefined;
};

/** Changes that are the same for one document and for many, on behalf of somebody. */
export class DocumentChanges {
  readonly #queue: Queue;
  readonly #files: FileStore;
  readonly #trashDays: number;

  constructor(parts: { readonly queue: Queue; readonly files: FileStore; readonly trashDays: number }) {
    this.#queue = parts.queue;
    this.#files = parts.files;
    this.#trashDays = parts.trashDays;
  }

  /** One document. Throws `document_not_found`, also where it is on the other side of the trash. */
  async one(access: Access, id: string, change: DocumentChange): Promise<void> {
    const resolved = await this.#resolve(access, change);
    await changeOne(this.#parts(), access, { ...this.#request(resolved), id });
  }

  /**
   * All documents of a selection: at once where they are few, else in a job, which leaves out those that are added
   * later. What can't be changed does not keep the others. Throws `document_count_mismatch` before anything is
   * done, `collection_not_found`, and `trash_choice_not_fit`.
   */
  async many(
    access: Access,
    request: {
      readonly filter: DocumentSelection;
      readonly change: DocumentChange;
      readonly expectedCount?: number | undefined;
      readonly isDryRun?: boolean | undefined;
      readonly signal: AbortSignal;
    },
  ): Promise<ManyChanged> {
    const { queryable } = this.#queue.database;
    const { workspaceId } = access;
    const change = await this.#resolve(access, request.change);
    const marks = toMarks(request.filter, change);
    // From before they are counted: what is added from here on is none of those that somebody agreed to.
    const before = newId();
    const matched = await countDocuments(queryable, workspaceId, { ...marks, before });
    const { expectedCount = matched, isDryRun = false } = request;
    if (matched !== expectedCount) throw documentCountMismatch(expectedCount, matched);
    if (isDryRun) return { ...noCounts, matched, job: undefined };
    if (matched > maxAtOnce) return await this.#enqueue(access, { matched, marks, change, before });
    const ids = await listDocumentIds(queryable, workspaceId, { ...marks, before, limit: maxAtOnce });
    const missing = notFound((marks.ids ?? []).filter((id) => !ids.includes(id)));
    const { signal } = request;
    const counts = await changeIds(this.#parts(), access, { ...this.#request(change), ids, signal });
    return { matched, ...addCounts(missing, counts), job: undefined };
  }

  async #enqueue(
    { workspaceId, personId }: Access,
    work: {
      readonly matched: number;
      readonly marks: DocumentMarks;
      readonly change: ResolvedChange;
      readonly before: string;
    },
  ): Promise<ManyChanged> {
    const { matched, marks, change, before } = work;
    const { ids, ...rest } = marks;
    const input = {
      person_id: personId,
      before,
      marks: { ...rest, ...(ids === undefined ? {} : { ids: [...ids] }) },
      change,
    };
    const job = await this.#queue.add(changeManyDocuments, input, { owner: workspaceId });
    return { ...noCounts, matched, job };
  }

  async #resolve(access: Access, change: DocumentChange): Promise<ResolvedChange> {
    if (change.action !== "add_to_collection" && change.action !== "remove_from_collection") return change;
    const { queryable } = this.#queue.database;
    const { id } = await readCollection(queryable, access, change.collection);
    return { action: change.action, collection: id };
  }

  #parts() {
    return { queue: this.#queue, trashDays: this.#trashDays };
  }

  #request(change: ResolvedChange) {
    return {
      change,
      files: this.#files,
      transaction: this.#queue.transaction.bind(this.#queue),
    };
  }
}

function toMarks(filter: DocumentSelection, { action }: ResolvedChange): DocumentMarks {
  const { file_type: fileType, trashed, ...marks } = filter;
  return { ...marks, fileType, trash: trashOf(action, trashed, filter.ids !== undefined) };
}

function trashOf(
  action: ResolvedChange["action"],
  isTrashed: boolean | undefined,
  isByIds: boolean,
): TrashChoice | undefined {
  if (action === "restore") {
    if (isTrashed === false) throw trashChoiceNotFit(action, false);
    return "only";
  }
  if (action === "delete") {
    if (isTrashed === undefined && isByIds) return "too";
    return isTrashed === true ? "only" : undefined;
  }
  if (isTrashed === true) throw trashChoiceNotFit(action, true);
  return undefined;
}
