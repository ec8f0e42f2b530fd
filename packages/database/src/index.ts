export { arrayText } from "./array-text.ts";
export type { Database, Queryable, QueryAccess, Transaction } from "./database.ts";
export { lockFolder, readHolder } from "./embedded/folder-lock.ts";
export type { FolderLock } from "./embedded/folder-lock.ts";
export { openEmbedded } from "./embedded/open-embedded.ts";
export { databaseUnavailable, isTransactionConflict, isUniqueViolation, sqlFailure } from "./errors.ts";
export { findAnswer, pruneAnswers, storeAnswer } from "./idempotency.ts";
export type { IdempotentRequest, StoredAnswer } from "./idempotency.ts";
export { readInstallationId } from "./installation.ts";
export { jsonb, jsonText } from "./json-columns.ts";
export { assertSchemaMatches, migrate } from "./migrations/migrate.ts";
export { assertProgramMigrated, migrateProgram } from "./migrations/program-migrations.ts";
export { openPostgres } from "./postgres/open-postgres.ts";
export { openRelayed } from "./relayed/open-relayed.ts";
export type {
  RelayPort,
  ToChild as RelayToChild,
  ToParent as RelayToParent,
} from "./relayed/relay-messages.ts";
export { serveRelay } from "./relayed/serve-relay.ts";
