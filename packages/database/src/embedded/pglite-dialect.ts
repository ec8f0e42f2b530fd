import { CompiledQuery, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from "kysely";
import type { DatabaseConnection, Dialect, Driver, TransactionSettings } from "kysely";
import { commitTransaction } from "../commit-transaction.ts";
import type { PgliteConnection } from "./pglite-connection.ts";
import type { Precedence, Turns } from "./turns.ts";

type Access = {
  readonly connection: PgliteConnection;
  readonly turns: Turns;
  readonly precedence: Precedence;
};

/** Kysely over the one embedded connection: transactions and statements take turns. */
export function pgliteDialect(access: Access): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new PgliteDriver(access),
    createIntrospector: (database) => new PostgresIntrospector(database),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

class PgliteDriver implements Driver {
  readonly #connection: PgliteConnection;
  readonly #turns: Turns;
  readonly #precedence: Precedence;

  constructor({ connection, turns, precedence }: Access) {
    this.#connection = connection;
    this.#turns = turns;
    this.#precedence = precedence;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    await this.#turns.take(this.#precedence);
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {
    this.#turns.pass();
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    this.#turns.describe(new Error("transaction begun here").stack ?? "a transaction");
    const level = settings.isolationLevel === undefined ? "" : ` isolation level ${settings.isolationLevel}`;
    // Not awaited: statements run in the order they are sent, and one way less is a fifth of a short
    // transaction. A connection that can't begin can't do what follows either, which fails loudly.
    connection.executeQuery(CompiledQuery.raw(`begin${level}`)).catch(() => undefined);
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await commitTransaction(connection);
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("rollback"));
  }

  async destroy(): Promise<void> {
    await this.#connection.close();
  }
}
