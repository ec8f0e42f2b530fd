import { toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { Kysely, PostgresDialect } from "kysely";
import { Pool, TypeOverrides, types } from "pg";
import type { Database, QueryAccess } from "../database.ts";
import { runTransaction } from "../run-transaction.ts";

/** Counters and sizes stay below 2^53; the driver's default, text, would not add up. */
const parsers = new TypeOverrides();
parsers.setTypeParser(types.builtins.INT8, Number);

/**
 * A pool to PostgreSQL that is safe behind pgBouncer's transaction mode: no named statements, no
 * session settings, no session locks. Connections are made when first used.
 */
export function openPostgres(options: { url: string; poolSize: number; logger: Logger }): Database {
  const pool = new Pool({
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    query_timeout: 60_000,
    keepAlive: true,
    application_name: "millrace",
    types: parsers,
  });
  pool.on("error", (error) => {
    options.logger.warn({ err: toError(error) }, "an idle database connection was lost");
  });
  pool.on("connect", (client) => {
    // Between two statements of a transaction nobody else listens, and an unheard error ends the process.
    client.on("error", (error) => {
      options.logger.warn({ err: toError(error) }, "a database connection in use was lost");
    });
  });
  const kysely: Database["queryable"] = new Kysely({ dialect: new PostgresDialect({ pool }) });
  const access: QueryAccess = { queryable: kysely, transaction: (work) => runTransaction(kysely, work) };
  return {
    kind: "postgres",
    description: "PostgreSQL",
    ...access,
    background: access,
    close: () => kysely.destroy(),
  };
}
