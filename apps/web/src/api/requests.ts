import type {
  AcceptedDocument,
  Analysis,
  Document,
  DocumentOutline,
  DocumentStats,
  DocumentStatus,
  DocumentText,
  ExportFormat,
  FileType,
  LogLine,
  Page,
  PartName,
  SearchResult,
  SimilarDocuments,
  System,
} from "@millrace/contracts";
import { apiUrl, callApi } from "./client.ts";

export type DocumentFilters = {
  readonly search?: string | undefined;
  readonly status?: DocumentStatus | undefined;
  readonly fileType?: FileType | undefined;
  readonly tag?: string | undefined;
  /** By its id. */
  readonly collection?: string | undefined;
};

/** Whether a token is needed here, and whether this browser has given it. */
export type Session = { readonly required: boolean; readonly signed_in: boolean };

const documentPath = (id: string) => `/documents/${encodeURIComponent(id)}`;

export function listDocuments(
  options: DocumentFilters & {
    /** What is in the trash, and nothing else. Default false. */
    isTrash?: boolean;
    limit: number;
    cursor?: string | undefined;
  },
  signal?: AbortSignal,
): Promise<Page<Document>> {
  return callApi("/documents", {
    query: {
      search: options.search,
      status: options.status,
      file_type: options.fileType,
      tag: options.tag,
      collection: options.collection,
      trashed: options.isTrash === true ? "true" : undefined,
      limit: options.limit,
      cursor: options.cursor,
    },
    signal,
  });
}

/** Where a browser saves an export from: one document, or all that these filters leave. */
export function exportAddress(
  what: DocumentFilters & { readonly id?: string; format: ExportFormat; withOriginals?: boolean },
): string {
  return apiUrl("/documents/export", {
    format: what.format,
    ids: what.id,
    search: what.search,
    status: what.status,
    file_type: what.fileType,
    tag: what.tag,
    collection: what.collection,
    include: what.withOriginals ? "original" : undefined,
  });
}

export function fetchDocument(id: string, signal?: AbortSignal): Promise<Document> {
  return callApi(documentPath(id), { signal });
}

export function fetchAnalysis(id: string, signal?: AbortSignal): Promise<Analysis> {
  return callApi(`${documentPath(id)}/analysis`, { signal });
}

export function listLogLines(
  id: string,
  cursor: string | undefined,
  signal?: AbortSignal,
): Promise<Page<LogLine>> {
  return callApi(`${documentPath(id)}/logs`, { query: { limit: 100, cursor }, signal });
}

/** `offset` and `limit` count characters. */
export function fetchDocumentText(
  id: string,
  range: { offset: number; limit: number },
  signal?: AbortSignal,
): Promise<DocumentText> {
  return callApi(`${documentPath(id)}/text`, { query: range, signal });
}

export function fetchDocumentOutline(id: string, signal?: AbortSignal): Promise<DocumentOutline> {
  return callApi(`${documentPath(id)}/outline`, { signal });
}

/** Where the stored file is; a browser that is sent there saves it. */
export function fileAddress(id: string): string {
  return apiUrl(`${documentPath(id)}/file`);
}

export function fetchSimilarDocuments(id: string, signal?: AbortSignal): Promise<SimilarDocuments> {
  return callApi(`${documentPath(id)}/similar`, { query: { limit: 5 }, signal });
}

/** Without a model it is the one that is set up for the part. */
export function rerunPart(id: string, part: PartName, model: string | undefined): Promise<AcceptedDocument> {
  return callApi(`${documentPath(id)}/parts/${part}/rerun`, { method: "POST", json: { model } });
}

export function createTextDocument(text: string, idempotencyKey: string): Promise<AcceptedDocument> {
  return callApi("/documents", { method: "POST", json: { text }, idempotencyKey });
}

export function renameDocument(id: string, title: string): Promise<Document> {
  return callApi(documentPath(id), { method: "PATCH", json: { title } });
}

export function deleteDocument(id: string): Promise<void> {
  return callApi(documentPath(id), { method: "DELETE" });
}

export function reprocessDocument(id: string): Promise<AcceptedDocument> {
  return callApi(`${documentPath(id)}/reprocess`, { method: "POST" });
}

export function giveDocumentPassword(id: string, password: string): Promise<AcceptedDocument> {
  return callApi(`${documentPath(id)}/password`, { method: "POST", json: { password } });
}

export function cancelProcessing(id: string): Promise<AcceptedDocument> {
  return callApi(`${documentPath(id)}/cancel_processing`, { method: "POST" });
}

export function retryFailedParts(id: string): Promise<AcceptedDocument> {
  return callApi(`${documentPath(id)}/retry_failed`, { method: "POST" });
}

export function retryPart(id: string, part: PartName): Promise<AcceptedDocument> {
  return callApi(`${documentPath(id)}/parts/${part}/retry`, { method: "POST" });
}

export function fetchDocumentStats(signal?: AbortSignal): Promise<DocumentStats> {
  return callApi("/documents/stats", { signal });
}

export function searchDocuments(
  query: string,
  options: {
    readonly parameters: Readonly<Record<string, string | undefined>>;
    readonly cursor: string | undefined;
    readonly signal: AbortSignal;
  },
): Promise<SearchResult> {
  const { parameters, cursor, signal } = options;
  return callApi("/search", { query: { ...parameters, q: query, limit: 20, cursor }, signal });
}

export function fetchSystem(signal?: AbortSignal): Promise<System> {
  return callApi("/system", { signal });
}

export function fetchSession(signal?: AbortSignal): Promise<Session> {
  return callApi("/session", { signal });
}

export function signIn(token: string): Promise<unknown> {
  return callApi("/session", { method: "POST", json: { token } });
}

export function signOut(): Promise<unknown> {
  return callApi("/session", { method: "DELETE" });
}
