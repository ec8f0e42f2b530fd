import type {
  Collection,
  DocumentBulkResult,
  DocumentChange,
  DocumentSelection,
  Page,
  TagCount,
} from "@millrace/contracts";
import { callApi } from "../api/client.ts";

const collectionPath = (id: string) => `/collections/${encodeURIComponent(id)}`;

/** More tags and collections than anybody chooses from a list. */
const listed = 100;

/** Where these answers live in the Query cache: a change notice of any document renews them. */
export const organiseKeys = {
  tags: ["documents", "tags"] as const,
  collections: ["documents", "collections"] as const,
  /** Not renewed by notices: this is the number that somebody has read and agreed to. */
  matching: ["documents-matching"] as const,
};

export function listTags(signal?: AbortSignal): Promise<Page<TagCount>> {
  return callApi("/tags", { query: { limit: listed }, signal });
}

export function listCollections(
  query: { readonly limit?: number; readonly cursor?: string | undefined } = {},
  signal?: AbortSignal,
): Promise<Page<Collection>> {
  return callApi("/collections", { query: { limit: listed, ...query }, signal });
}

export function createCollection(name: string): Promise<Collection> {
  return callApi("/collections", { method: "POST", json: { name } });
}

export function renameCollection(id: string, name: string): Promise<Collection> {
  return callApi(collectionPath(id), { method: "PATCH", json: { name } });
}

export function deleteCollection(id: string): Promise<void> {
  return callApi(collectionPath(id), { method: "DELETE" });
}

/** One change for all documents of a selection; with another number of them than expected nothing is done. */
export function changeDocuments(
  filter: DocumentSelection,
  change: DocumentChange,
  expectedCount?: number,
): Promise<DocumentBulkResult> {
  const json = { filter, change, expected_count: expectedCount };
  return callApi("/documents/bulk", { method: "POST", json });
}

/** How many documents a selection has now, on its side of the trash. */
export async function countMatching(filter: DocumentSelection, signal?: AbortSignal): Promise<number> {
  const change = { action: filter.trashed === true ? "restore" : "trash" };
  const json = { filter, change, dry_run: true };
  return (await callApi<DocumentBulkResult>("/documents/bulk", { method: "POST", json, signal })).matched;
}

/**
 * One change of one document, which leaves alone what others gave it or took from it meanwhile. Throws what
 * kept it from being changed.
 */
export async function changeDocument(id: string, change: DocumentChange): Promise<void> {
  const { errors } = await changeDocuments({ ids: [id] }, change);
  const [error] = errors;
  if (error !== undefined) throw new Error(error.message);
}
