import { Kysely } from "kysely";
import type { Dialect, Driver } from "kysely";
import type { Database } from "./database.ts";
import { databaseClosed } from "./errors.ts";
import { runTransaction } from "./run-transaction.ts";

/**
 * A database over a dialect that is ended once, also when nothing was asked of it: Kysely's own
 * `destroy` does nothing before the first statement. Later statements fail with `database_closed`.
 */
export function closableDatabase(parts: {
  readonly kind: Database["kind"];
  readonly description: string;
  readonly dialect: Dialect;
  readonly end: () => Promise<void>;
}): Database {
  let closing: Promise<void> | undefined;
  const dialect: Dialect = {
    createAdapter: () => parts.dialect.createAdapter(),
    createDriver: () => refuseWhen(() => closing !== undefined, parts.dialect.createDriver()),
    createIntrospector: (database) => parts.dialect.createIntrospector(database),
    createQueryCompiler: () => parts.dialect.createQueryCompiler(),
  };
  const queryable: Database["queryable"] = new Kysely({ dialect });
  return {
    kind: parts.kind,
    description: parts.description,
    queryable,
    transaction: (work) => runTransaction(queryable, work),
    close: () => (closing ??= parts.end()),
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
