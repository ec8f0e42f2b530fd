import { Kysely } from "kysely";
import type { CompiledQuery, Dialect, Driver } from "kysely";
import type { Database, Queryable, QueryAccess } from "./database.ts";
import { databaseClosed, isDiskFull } from "./errors.ts";
import { runTransaction } from "./run-transaction.ts";

type Parts = {
  readonly kind: Database["kind"];
  readonly description: string;
  readonly dialect: Dialect;
  /** Only where it differs. */
  readonly backgroundDialect?: Dialect;
  /** Only where a statement is not waited for as long as it takes. */
  readonly runLong?: (statement: CompiledQuery, signal: AbortSignal) => Promise<void>;
  readonly end: () => Promise<void>;
};

/**
 * A database that is ended once, also when nothing was asked of it: Kysely's own `destroy` does
 * nothing before the first statement. Statements after `close` fail with `database_closed`.
 */
export function closableDatabase(parts: Parts): Database {
  let closing: Promise<void> | undefined;
  let noRoomAtMs = Number.NEGATIVE_INFINITY;
  const open = (dialect: Dialect): QueryAccess => {
    const queryable: Queryable = new Kysely({
      dialect: refusing(dialect, () => closing !== undefined),
      log: (event) => {
        if (event.level === "error" && isDiskFull(event.error)) noRoomAtMs = performance.now();
      },
    });
    return { queryable, transaction: (work) => runTransaction(queryable, work) };
  };
  const foreground = open(parts.dialect);
  return {
    kind: parts.kind,
    description: parts.description,
    ...foreground,
    background: parts.backgroundDialect === undefined ? foreground : open(parts.backgroundDialect),
    runLong: async (statement, signal) => {
      signal.throwIfAborted();
      const { queryable } = foreground;
      if (parts.runLong === undefined) await statement.execute(queryable);
      else if (closing === undefined) await parts.runLong(statement.compile(queryable), signal);
      else throw databaseClosed();
    },
    hadNoRoom: (withinMs) => performance.now() - noRoomAtMs < withinMs,
    close: () => (closing ??= parts.end()),
  };
}

function refusing(dialect: Dialect, isClosed: () => boolean): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createDriver: () => refuseWhen(isClosed, dialect.createDriver()),
    createIntrospector: (database) => dialect.createIntrospector(database),
    createQueryCompiler: () => dialect.createQueryCompiler(),
  };
}

function refuseWhen(isClosed: () => boolean, driver: Driver): Driver {
  const acquire = driver.acquireConnection.bind(driver);
  driver.acquireConnection = async (options) => {
    if (isClosed()) throw databaseClosed();
    return await acquire(options);
  };
  return driver;
}
