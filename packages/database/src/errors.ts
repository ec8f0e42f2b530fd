import { MillraceError } from "@millrace/kernel";

/** Which rule of the database an error speaks of. */
export type SqlFailure = { readonly sqlState: string; readonly constraint: string | undefined };

const retryableStates = new Set(["40001", "40P01"]);

/**
 * Connection lost, refused, shutting down, too many connections, read-only after a failover, disk full,
 * a transaction that stood still too long, a statement that took too long.
 */
const unavailableStates = new Set(["57P01", "57P02", "57P03", "53300", "25006", "53100", "25P03", "57014"]);
const unavailableCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/** What the database said, or undefined when the error is not of the database. */
export function sqlFailure(error: unknown): SqlFailure | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  const code = error.code;
  if (typeof code !== "string" || !/^[0-9A-Z]{5}$/.test(code)) return undefined;
  const constraint =
    "constraint" in error && typeof error.constraint === "string" ? error.constraint : undefined;
  return { sqlState: code, constraint };
}

/** Whether a unique rule refused a row; with a name, whether exactly that one did. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  const failure = sqlFailure(error);
  return failure?.sqlState === "23505" && (constraint === undefined || failure.constraint === constraint);
}

/** Whether the same transaction may succeed when run again at once. */
export function isTransactionConflict(error: unknown): boolean {
  return retryableStates.has(sqlFailure(error)?.sqlState ?? "");
}

/**
 * The database's failure as an error of ours when it can't be reached or can't write now
 * (`database_unavailable`, retryable), else undefined.
 */
export function databaseUnavailable(error: unknown): MillraceError | undefined {
  const state = sqlFailure(error)?.sqlState;
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  const isLost =
    (state !== undefined && (unavailableStates.has(state) || state.startsWith("08"))) ||
    (typeof code === "string" && unavailableCodes.has(code)) ||
    (error instanceof Error &&
      // The driver gives these no code.
      /timeout exceeded when trying to connect|Connection terminated|is not queryable|Query read timeout/.test(
        error.message,
      ));
  if (!isLost) return undefined;
  return new MillraceError({
    code: "database_unavailable",
    kind: "unavailable",
    message: "The database can't be reached now. Nothing was changed; try again in a moment.",
    retryable: true,
    retryAfterSeconds: 5,
    cause: error,
  });
}

/** Whether the driver gave up waiting for the answer to a statement, which it gives no code. */
export function isAnswerOverdue(error: unknown): boolean {
  return error instanceof Error && error.message === "Query read timeout";
}

/** Whether the database can be read and not written, as its disk has no room. */
export function isDiskFull(error: unknown): boolean {
  return sqlFailure(error)?.sqlState === "53100";
}

export function folderInUse(folder: string, holder: string): MillraceError {
  return new MillraceError({
    code: "data_folder_in_use",
    kind: "conflict",
    message: `The data folder ${folder} is in use by another Millrace process${holder}. Two processes on one folder would lose data. Stop the other one, choose another folder with DATA_DIR, or use PostgreSQL with DATABASE_URL.`,
  });
}

export function connectionWaitExpired(waitMs: number, holder: string): MillraceError {
  return new MillraceError({
    code: "database_wait_expired",
    kind: "unavailable",
    message: `No database connection became free within ${waitMs / 1000} s. Try again in a moment; the server's log names the transaction that holds it.`,
    // For the log only: it names files of this machine.
    cause: new Error(`The connection is held by: ${holder}`),
    retryable: true,
    retryAfterSeconds: 5,
  });
}

export function databaseClosed(): MillraceError {
  return new MillraceError({
    code: "database_closed",
    kind: "unavailable",
    message:
      "The database was closed, because this process is stopping. Start it again and repeat the request.",
    retryable: true,
  });
}

/** A statement was refused, and the work of its transaction went on as if it had not been. */
export function transactionUndone(cause: unknown): MillraceError {
  return new MillraceError({
    code: "transaction_was_undone",
    kind: "internal",
    message:
      "A statement in the transaction was refused and its error was caught, so nothing of the transaction was kept. Let the error through, or make sure that the statement can't fail: with ON CONFLICT, or in a savepoint that is rolled back to.",
    cause,
  });
}

/** A transaction's connection was taken from it, since what it waited for was not the database. */
export function transactionIdle(idleMs: number): MillraceError {
  return new MillraceError({
    code: "transaction_idle",
    kind: "unavailable",
    message: `A transaction had no statement under way for ${idleMs / 1000} s, so it was undone: it keeps its rows and its connection from others. Wait for nothing but the database in it, and do slow work before or after.`,
    retryable: true,
  });
}

/** The statement itself was carried out; in a transaction it is undone with the rest. */
export function answerUnreadable(cause?: unknown): MillraceError {
  return new MillraceError({
    code: "database_answer_unreadable",
    kind: "internal",
    message:
      "What a statement gave can't be handed over by the embedded database: it is nested too deep. Read less of it, such as parts of the JSON.",
    cause,
  });
}

export function jsonTooDeep(maxLevels: number, cause?: unknown): MillraceError {
  return new MillraceError({
    code: "json_too_deep",
    kind: "invalid",
    message: `The value can't be stored: JSON may be nested ${maxLevels} levels deep at most. Make it flatter, as a list of parts that name each other, or store it elsewhere and give its id.`,
    details: { maxLevels },
    cause,
  });
}

/** The thread of the embedded database ended by itself: the process has to be started again. */
export function embeddedDatabaseStopped(cause: unknown): MillraceError {
  return new MillraceError({
    code: "embedded_database_stopped",
    kind: "unavailable",
    message:
      "The embedded database has stopped. What was saved is kept. Make sure that the disk has space, then restart the server.",
    cause,
  });
}

export function embeddedDatabaseDamaged(folder: string, cause?: unknown): MillraceError {
  return new MillraceError({
    code: "embedded_database_damaged",
    kind: "unavailable",
    message: `The embedded database in ${folder} can't be opened. No new one was made in its place. If the disk is full or the folder can't be read, correct that and start again. Otherwise its files are damaged: restore a backup of the data folder, or move ${folder} away to start with an empty database.`,
    cause,
  });
}

export function embeddedDatabaseNotCreated(folder: string, cause: unknown): MillraceError {
  return new MillraceError({
    code: "embedded_database_not_created",
    kind: "unavailable",
    message: `The embedded database could not be created in ${folder}. Make sure that the disk has 100 MB free and that this process may write there, then start again.`,
    cause,
  });
}

export function dataFolderUnusable(folder: string, cause: unknown): MillraceError {
  return new MillraceError({
    code: "data_folder_unusable",
    kind: "unavailable",
    message: `The data folder ${folder} can't be used. It must be a folder that this process may read and write, on a disk with space. Correct that or choose another one with DATA_DIR.`,
    cause,
  });
}

export function schemaMismatch(message: string): MillraceError {
  return new MillraceError({ code: "schema_mismatch", kind: "unavailable", message });
}

/** `where` is a file, with the line where the database could tell it. */
export function migrationFailed(where: string, problem: string, cause?: unknown): MillraceError {
  return new MillraceError({
    code: "migration_failed",
    kind: "invalid",
    message: `Your migration ${where} can't be applied: ${problem} Nothing of it was kept. Correct it and start again.`,
    details: { where },
    ...(cause === undefined ? {} : { cause }),
  });
}
