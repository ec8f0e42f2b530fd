import { isLocked, isSettled, partNames } from "@millrace/contracts";
import type {
  AcceptedDocument,
  Analysis,
  Document,
  DocumentSnapshot,
  DocumentOutline,
  DocumentStats,
  DocumentText,
  ExportFormat,
  FileType,
  Job,
  LogLine,
  PartName,
  PartState,
  SimilarDocuments,
  TagCount,
  UpdateDocument,
} from "@millrace/contracts";
import { databaseUnavailable } from "@millrace/database";
import { errorCode } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import { findJobs, listLog, toJob, toLogLine } from "@millrace/queue";
import type { Queue, WriteScope } from "@millrace/queue";
import { sql } from "kysely";
import { acceptDocument } from "./accept-document.ts";
import type { Acceptance, Accepted } from "./accept-document.ts";
import { toAnalysis, toDocument } from "./document-row.ts";
import type { DocumentRow } from "./document-row.ts";
import {
  documentBusy,
  documentNotFound,
  documentNotLocked,
  noOriginal,
  nothingToCancel,
  nothingToRetry,
  originalsNeedZip,
} from "./errors.ts";
import { openExport, readExported } from "./export/index.ts";
import type { DocumentExport, ExportSelection } from "./export/index.ts";
import type { FileStore } from "./files/index.ts";
import type { NumberedSnapshot } from "./live/index.ts";
import { outlineOf } from "./outline/outline-of.ts";
import { announceDocument, DocumentChanges } from "./many/index.ts";
import { listTags, setCollections, setTags } from "./organise/index.ts";
import { beginAgain } from "./process/begin-again.ts";
import { cancelIfOpen } from "./process/cancel-if-open.ts";
import { packPassword } from "./process/packed-password.ts";
import type { ProcessInput } from "./process/process-task.ts";
import { readStoredText } from "./process/read-for-processing.ts";
import { beginRerun } from "./rerun/begin-rerun.ts";
import { readAccepted } from "./read-accepted.ts";
import {
  findDocument,
  findTitles,
  listDocuments,
  lockDocument,
  readParts,
  readReruns,
  readStats,
  readTextPiece,
} from "./read-documents.ts";
import type { DocumentFilter } from "./read-documents.ts";
import { findSimilar } from "./similar/find-similar.ts";
import type { SimilarOptions } from "./similar/find-similar.ts";
import { documentSettings } from "./settings.ts";
import type { DocumentSettings } from "./settings.ts";
import { resetParts } from "./write-documents.ts";

/** A stored file as it came. */
type OriginalFile = {
  /** For the file store. */
  readonly key: string;
  readonly name: string;
  readonly fileType: FileType | null;
  readonly size: number;
  readonly sha256: string;
};

/** What can be done with documents, on behalf of somebody. Others' documents are not found. */
export class Documents {
  readonly #queue: Queue;
  readonly #files: FileStore;
  readonly #settings: DocumentSettings;
  /** Tags, collections and the trash, for one document and for many. */
  readonly changes: DocumentChanges;

  constructor(parts: {
    readonly queue: Queue;
    readonly files: FileStore;
    /** Default those of an empty environment. */
    readonly settings?: DocumentSettings;
  }) {
    this.#queue = parts.queue;
    this.#files = parts.files;
    this.#settings = parts.settings ?? documentSettings.schema.parse({});
    this.changes = new DocumentChanges({ ...parts, trashDays: this.#settings.TRASH_DAYS });
  }

  /** Takes a document in; see `acceptDocument`. A stored file that is not needed in the end is removed. */
  async accept(access: Access, request: Acceptance): Promise<Accepted> {
    const { content } = request;
    const parts = { queue: this.#queue, files: this.#files };
    try {
      const result = await acceptDocument(parts, access, {
        ...request,
        duplicates: this.#settings.DUPLICATE_DOCUMENTS,
      });
      const keptKey = result.kind === "new" ? result.fileKey : null;
      if (content.kind === "file" && content.fileKey !== keptKey) await this.#files.remove(content.fileKey);
      return result;
    } catch (error) {
      // When the database went away at the commit, the row may be there: the upkeep finds out later.
      const isRefused = databaseUnavailable(error) === undefined;
      if (content.kind === "file" && isRefused) await this.#files.remove(content.fileKey);
      throw error;
    }
  }

  async list(access: Access, filter: DocumentFilter): Promise<Document[]> {
    const { queryable } = this.#queue.database;
    const rows = await listDocuments(queryable, access.workspaceId, filter);
    const jobs = await findJobs(
      queryable,
      rows.flatMap((row) => row.job_id ?? []),
    );
    const byId = new Map(jobs.map((job) => [job.id, job]));
    return rows.map((row) => toDocument(row, byId.get(row.job_id ?? "")));
  }

  async get(access: Access, id: string): Promise<Document> {
    const row = await this.#getRow(access, id);
    const [job] = await findJobs(this.#queue.database.queryable, row.job_id === null ? [] : [row.job_id]);
    return toDocument(row, job);
  }

  /**
   * Documents to take elsewhere, newest first, with everything that was made of them; `withOriginals` adds the
   * stored files to a zip. The caller reads the stream or destroys it. Throws `originals_need_zip`, and
   * `document_not_found` for an id that is named and not there.
   */
  async export(
    access: Access,
    options: ExportSelection & { readonly format: ExportFormat; readonly withOriginals: boolean },
  ): Promise<DocumentExport> {
    const { format, withOriginals, ...selection } = options;
    if (withOriginals && format !== "zip") throw originalsNeedZip(format);
    const { queryable } = this.#queue.database;
    const { ids = [] } = selection;
    const titles = await findTitles(queryable, access.workspaceId, ids);
    const missing = ids.find((id) => !titles.has(id));
    if (missing !== undefined) throw documentNotFound(missing);
    const [title] = titles.values();
    return openExport(readExported(queryable, access.workspaceId, selection), {
      format,
      files: withOriginals ? this.#files : undefined,
      name: title !== undefined && titles.size === 1 ? title : "documents",
    });
  }

  /** Another title, other tags, other collections; what is left out stays. Throws `collection_not_found`. */
  async update(access: Access, id: string, update: UpdateDocument): Promise<Document> {
    const { title, tags, collections } = update;
    await this.#queue.transaction(async (scope) => {
      const { transaction } = scope;
      const row = await this.#lock(scope, access, id);
      await sql`UPDATE document SET title = ${title ?? row.title}, updated_at = now() WHERE id = ${id}`.execute(
        transaction,
      );
      if (tags !== undefined) await setTags(transaction, id, tags);
      if (collections !== undefined) await setCollections(transaction, access, id, collections);
      announceDocument(this.#queue, scope, access, id);
    });
    return await this.get(access, id);
  }

  /**
   * Puts a document into the trash; work on it is cancelled. With `forever`, and where there is no trash, it goes
   * with its text, analysis, passages and file, also when it is in the trash already.
   */
  async remove(access: Access, id: string, { forever = false } = {}): Promise<void> {
    if (!forever) await this.#getRow(access, id);
    await this.changes.one(access, id, { action: forever ? "delete" : "trash" });
  }

  /** Takes a document out of the trash as it was put in. Twice is the same as once. */
  async restore(access: Access, id: string): Promise<Document> {
    await this.changes.one(access, id, { action: "restore" });
    return await this.get(access, id);
  }

  /** Tags in use, in the order of their characters. */
  listTags(access: Access, page: Parameters<typeof listTags>[2]): Promise<TagCount[]> {
    return listTags(this.#queue.database.queryable, access.workspaceId, page);
  }

  async analysis(access: Access, id: string): Promise<Analysis> {
    await this.#getRow(access, id);
    const { queryable } = this.#queue.database;
    return toAnalysis(id, await readParts(queryable, id), await readReruns(queryable, id));
  }

  /** A piece of the text, by UTF-16 offsets; empty while there is none yet. */
  async text(access: Access, id: string, range: { offset: number; limit: number }): Promise<DocumentText> {
    await this.#getRow(access, id);
    const piece = await readTextPiece(this.#queue.database.queryable, id, range);
    const end = piece.offset + piece.text.length;
    return {
      document_id: id,
      text: piece.text,
      offset: piece.offset,
      total_length: piece.totalLength,
      next_offset: end < piece.totalLength && piece.text !== "" ? end : null,
    };
  }

  /** Pages, headings, and where to cut the text to show it; empty while there is none yet. */
  async outline(access: Access, id: string): Promise<DocumentOutline> {
    const row = await this.#getRow(access, id);
    const isThere = row.text_length !== null;
    const stored = isThere ? await readStoredText(this.#queue.database.queryable, id) : undefined;
    return { document_id: id, ...outlineOf(stored?.text ?? "", stored?.pages ?? []) };
  }

  /** Where the stored file is, and what is known of it. Throws `no_original` for pasted text. */
  async original(access: Access, id: string): Promise<OriginalFile> {
    const row = await this.#getRow(access, id);
    if (row.file_key === null) throw noOriginal(id);
    return {
      key: row.file_key,
      name: row.file_name ?? row.title,
      fileType: row.file_type,
      size: row.file_size,
      sha256: row.content_hash,
    };
  }

  /** Documents of the same workspace that are like this one, most alike first; see `findSimilar`. */
  async similar(access: Access, id: string, options: SimilarOptions): Promise<SimilarDocuments> {
    await this.#getRow(access, id);
    return await findSimilar(this.#queue.database.queryable, access, { id, ...options });
  }

  /** Log lines of the document's present job, newest first. */
  async logs(
    access: Access,
    id: string,
    page: { before: string | undefined; limit: number },
  ): Promise<LogLine[]> {
    const row = await this.#getRow(access, id);
    const jobIds = row.job_id === null ? [] : [row.job_id];
    return (await listLog(this.#queue.database.queryable, { jobIds, ...page })).map(toLogLine);
  }

  stats(access: Access): Promise<DocumentStats> {
    return readStats(this.#queue.database.queryable, access.workspaceId);
  }

  /** Everything from the bytes on, again, by answers that models give anew. Throws `document_busy` while it is being worked on. */
  reprocess(access: Access, id: string): Promise<AcceptedDocument> {
    return this.#again(access, id, async (scope) => {
      await resetParts(scope.transaction, id, {});
      return { document_id: id, scope: "everything", parts: [...partNames], answers: "fresh" };
    });
  }

  /**
   * The same, with the password of a PDF that could not be opened without it, or with another. Throws
   * `document_not_locked` for any other document, and `document_busy`.
   */
  givePassword(access: Access, id: string, password: string): Promise<AcceptedDocument> {
    return this.#again(access, id, async (scope, row) => {
      if (!isLocked(row)) throw documentNotLocked(id);
      await resetParts(scope.transaction, id, {});
      const parts = [...partNames];
      const packed = packPassword(password);
      return { document_id: id, scope: "everything", parts, answers: "fresh", password: packed };
    });
  }

  /**
   * Makes again what failed, and only that: parts of the analysis, or all from the bytes on when it did
   * not get as far as the analysis. Throws `nothing_to_retry` or `document_busy`.
   */
  retryFailed(access: Access, id: string, only?: PartName): Promise<AcceptedDocument> {
    return this.#again(access, id, async (scope, row) => {
      const isOpen = (state: PartState): boolean => state !== "done" && state !== "unavailable";
      const open = partNames.filter((part) => isOpen(row.parts[part]));
      const wanted = open.filter((part) => only === undefined || part === only);
      if (wanted.length === 0) throw nothingToRetry(id);
      // What starts from the bytes makes all that is open: nobody asked for the rest to stay undone.
      const isWhole = row.indexed_at === null;
      const parts = isWhole ? open : wanted;
      await resetParts(scope.transaction, id, { parts });
      // Answers to what failed are not stored.
      return { document_id: id, scope: isWhole ? "everything" : "parts", parts, answers: "reuse" };
    });
  }

  /** Has one part made again by a model, beside what is there; see `beginRerun`. */
  rerunPart(
    access: Access,
    id: string,
    of: { readonly part: PartName; readonly model: string | null },
  ): Promise<AcceptedDocument> {
    return beginRerun(this.#queue, access, { id, ...of });
  }

  /** Asks for the end of the work on a document; twice is the same as once. Throws `already_finished`. */
  async cancel(access: Access, id: string): Promise<AcceptedDocument> {
    const row = await this.#getRow(access, id);
    const jobId = row.job_id;
    const isOver = isSettled(row.status) && row.status !== "cancelled";
    if (jobId === null || isOver) throw nothingToCancel(id, row.status);
    try {
      await this.#queue.transaction((scope) => this.#queue.cancel(scope, jobId));
    } catch (error) {
      // Cancelled so long ago that the job has been forgotten.
      throw errorCode(error) === "job_not_found" ? nothingToCancel(id, row.status) : error;
    }
    return await readAccepted(this.#queue.database.queryable, access.workspaceId, id);
  }

  accepted(access: Access, id: string): Promise<AcceptedDocument> {
    return readAccepted(this.#queue.database.queryable, access.workspaceId, id);
  }

  /** The document with its job; null when the job has been forgotten after its retention time. */
  async status(access: Access, id: string): Promise<{ document: Document; job: Job | null }> {
    const row = await this.#getRow(access, id);
    const [job] = await findJobs(this.#queue.database.queryable, row.job_id === null ? [] : [row.job_id]);
    return { document: toDocument(row, job), job: job === undefined ? null : toJob(job) };
  }

  /** How a document stands, with the number of the last event that is surely part of it. */
  async snapshot(access: Access, id: string): Promise<NumberedSnapshot | undefined> {
    const { queryable } = this.#queue.database;
    const { lastSeq } = await this.#queue.feed.read(`document:${id}`, Number.MAX_SAFE_INTEGER, 1);
    const row = await findDocument(queryable, access.workspaceId, id);
    if (row === undefined) return undefined;
    const [job] = await findJobs(queryable, row.job_id === null ? [] : [row.job_id]);
    const snapshot: DocumentSnapshot = {
      document: toDocument(row, job),
      analysis: toAnalysis(id, await readParts(queryable, id), await readReruns(queryable, id)),
      job: job === undefined ? null : toJob(job),
    };
    return { seq: lastSeq, snapshot };
  }

  async exists(access: Access, id: string): Promise<boolean> {
    return (await findDocument(this.#queue.database.queryable, access.workspaceId, id)) !== undefined;
  }

  async #again(
    access: Access,
    id: string,
    prepare: (scope: WriteScope, row: DocumentRow) => Promise<ProcessInput>,
  ): Promise<AcceptedDocument> {
    let outdated: string[] = [];
    const accepted = await this.#queue.transaction(async (scope) => {
      const row = await this.#lock(scope, access, id);
      if (!isSettled(row.status)) throw documentBusy(id);
      const input = await prepare(scope, row);
      outdated = await beginAgain(this.#queue, scope, access, input);
      return await readAccepted(scope.transaction, access.workspaceId, id);
    });
    for (const jobId of outdated) {
      await this.#queue.transaction((scope) => cancelIfOpen(this.#queue, scope, jobId));
    }
    return accepted;
  }

  async #getRow(access: Access, id: string): Promise<DocumentRow> {
    const row = await findDocument(this.#queue.database.queryable, access.workspaceId, id);
    if (row === undefined) throw documentNotFound(id);
    return row;
  }

  async #lock(scope: WriteScope, access: Access, id: string): Promise<DocumentRow> {
    const row = await lockDocument(scope.transaction, access.workspaceId, id);
    if (row === undefined) throw documentNotFound(id);
    return row;
  }
}
