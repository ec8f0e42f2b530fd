import type { DocumentFilters } from "./requests.ts";

/** Where each answer lives in the Query cache. Everything a change notice may affect starts alike. */
export const queryKeys = {
  session: ["session"] as const,
  system: ["system"] as const,
  /** Document, analysis and job of one document: what the live feed writes into. */
  document: (id: string) => ["document", id] as const,
  documentLog: (id: string) => ["document-log", id] as const,
  documentLiveLog: (id: string) => ["document-live-log", id] as const,
  /** `version`: of the text, which may be read anew. */
  documentText: (id: string, version: string, offset: number) =>
    ["document-text", id, version, offset] as const,
  documentOutline: (id: string, version: string) => ["document-outline", id, version] as const,
  /** Changes with any document: of the lists. */
  similarDocuments: (id: string) => ["documents", "similar", id] as const,
  collections: ["documents"] as const,
  documentList: (filters: DocumentFilters, cursor: string | undefined) =>
    ["documents", "list", filters, cursor ?? null] as const,
  recentDocuments: ["documents", "recent"] as const,
  documentStats: ["documents", "stats"] as const,
  search: (query: string, parameters: Readonly<Record<string, string | undefined>>) =>
    ["search", query, parameters] as const,
};
