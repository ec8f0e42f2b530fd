export { acceptedHeaders } from "./accept-document.ts";
export type { Acceptance, Accepted, NewContent } from "./accept-document.ts";
export { Documents } from "./documents.ts";
export * from "./files/index.ts";
export { pruneAnswers } from "./idempotency.ts";
export type { IdempotentRequest, StoredAnswer } from "./idempotency.ts";
export * from "./live/index.ts";
export { handleProcessDocument } from "./process/process-document.ts";
export { countUnindexed, findTitles, knownFileKeys } from "./read-documents.ts";
