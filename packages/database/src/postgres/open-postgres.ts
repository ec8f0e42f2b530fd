import { toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { Pool, TypeOverrides, types } from "pg";
import { closableDatabase } from "../closable-database.ts";
import type { Database } from "../database.ts";
import { BoundedPostgresDialect } from "./bounded-dialect.ts";
import { endUnanswered } from "./end-unanswered.ts";
import { runLong } from "./run-long.ts";

/** The numbers of array types, which the driver does not name. */
const arrayTypes = { int4: 1007, text: 1009, int8: 1016, date: 1182, numeric: 1231 };

/**
 * A pool to PostgreSQL that is safe behind pgBouncer's transaction mode: no named statements, no
 * session settings, no session locks. Connections are made when first used. A transaction that is
 * left idle for 15 s, or a statement in it that takes 55 s, is ended by the server. A connection on which
 * a statement is not answered for 60 s is ended, unless it was said to be a long one.
 */
export function openPostgres(options: { url: string; poolSize: number; logger: Logger }): Database {
  const pool = new Pool({
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    query_timeout: 60_000,
    keepAlive: true,
    // Between the two may be what forgets a connection on which nothing is said for some minutes.
    keepAliveInitialDelayMillis: 30_000,
    application_name: "millrace",
    types: valueParsers(),
  });
  pool.on("error", (error) => {
    options.logger.warn({ err: toError(error) }, "an idle database connection was lost");
  });
  pool.on("connect", (client) => {
    // Between two statements of a transaction nobody else listens, and an unheard error ends the process.
    client.on("error", (error) => {
      options.logger.warn({ err: toError(error) }, "a database connection in use was lost");
    });
    endUnanswered(client, options.logger);
  });
  return closableDatabase({
    kind: "postgres",
    description: "PostgreSQL",
    dialect: new BoundedPostgresDialect(pool),
    runLong: (statement, signal) => runLong(pool, statement, signal),
    end: () => pool.end(),
  });
}

/** Values in the form in which the embedded database gives them too. */
function valueParsers(): TypeOverrides {
  const parsers = new TypeOverrides();
  // Counters and sizes stay below 2^53; the driver's default, text, would not add up.
  parsers.setTypeParser(types.builtins.INT8, Number);
  parsers.setTypeParser(arrayTypes.int8, parserOf(arrayTypes.int4));
  // A decimal fraction may not fit a number; of an array the driver's default would round it.
  parsers.setTypeParser(arrayTypes.numeric, parserOf(arrayTypes.text));
  // A day is no moment: as a Date it becomes another day in another time zone.
  parsers.setTypeParser(types.builtins.DATE, String);
  parsers.setTypeParser(arrayTypes.date, parserOf(arrayTypes.text));
  parsers.setTypeParser(types.builtins.INTERVAL, String);
  return parsers;
}

/** What the driver does with another type; of whole numbers it keeps 53 bits in every case. */
function parserOf(type: number): (text: string) => unknown {
  const parser = new TypeOverrides().getTypeParser(type);
  return (text) => Reflect.apply(parser, undefined, [text]) as unknown;
}
