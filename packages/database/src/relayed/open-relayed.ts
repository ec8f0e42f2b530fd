import { MillraceError } from "@millrace/kernel";
import { CompiledQuery, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from "kysely";
import type { DatabaseConnection, Dialect, Driver, QueryResult } from "kysely";
import { closableDatabase } from "../closable-database.ts";
import { commitTransaction } from "../commit-transaction.ts";
import type { Database } from "../database.ts";
import { beginBounded } from "../postgres/bounded-dialect.ts";
import type { RelayPort, ToChild, ToParent } from "./relay-messages.ts";

/**
 * The parent's database, as a child process sees it: every statement and transaction runs on a
 * connection of the parent. When the child dies the parent rolls back what it left open.
 */
export function openRelayed(port: RelayPort<ToParent, ToChild>, kind: Database["kind"]): Database {
  const relay = new Relay(port);
  const dialect: Dialect = {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new RelayDriver(relay, kind === "postgres" ? beginBounded : "begin"),
    createIntrospector: (database) => new PostgresIntrospector(database),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
  return closableDatabase({
    kind,
    description: "the parent process's database",
    dialect,
    end: async () => undefined,
  });
}

type Waiting = { readonly resolve: (message: ToChild) => void; readonly reject: (error: Error) => void };

class Relay {
  readonly #port: RelayPort<ToParent, ToChild>;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(port: RelayPort<ToParent, ToChild>) {
    this.#port = port;
    port.onMessage((message) => {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.kind !== "failed") waiting?.resolve(message);
      else waiting?.reject(failureOf(message));
    });
  }

  ask(make: (id: number) => ToParent): Promise<ToChild> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#port.send(make(id));
    });
  }

  release(connection: number): void {
    this.#port.send({ kind: "release", connection });
  }
}

function failureOf(failed: ToChild & { kind: "failed" }): Error {
  const { message, code, constraint, own } = failed;
  if (own === undefined || code === undefined) {
    return Object.assign(new Error(message), { code, constraint });
  }
  const { kind, retryable, retryAfterSeconds } = own;
  const wait = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return new MillraceError({ code, kind, message, retryable, ...wait });
}

class RelayConnection implements DatabaseConnection {
  readonly #relay: Relay;
  readonly number: number;

  constructor(relay: Relay, number: number) {
    this.#relay = relay;
    this.number = number;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { sql, parameters } = query;
    const answer = await this.#relay.ask((id) => ({
      kind: "query",
      id,
      connection: this.number,
      sql,
      parameters,
    }));
    if (answer.kind !== "rows") throw new Error(`unexpected answer ${answer.kind}`);
    // The row type is the caller's claim, as in every SQL driver.
    return { rows: answer.rows as Row[], numAffectedRows: BigInt(answer.affectedRows) };
  }

  // oxlint-disable-next-line require-yield -- the interface asks for a generator; nothing here streams rows.
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error("Streaming queries are not supported through a relay.");
  }
}

class RelayDriver implements Driver {
  readonly #relay: Relay;
  readonly #begin: string;
  readonly #connections = new WeakMap<DatabaseConnection, RelayConnection>();

  constructor(relay: Relay, begin: string) {
    this.#relay = relay;
    this.#begin = begin;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const answer = await this.#relay.ask((id) => ({ kind: "acquire", id }));
    if (answer.kind !== "acquired") throw new Error(`unexpected answer ${answer.kind}`);
    const connection = new RelayConnection(this.#relay, answer.connection);
    this.#connections.set(connection, connection);
    return connection;
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    const held = this.#connections.get(connection);
    if (held !== undefined) this.#relay.release(held.number);
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(this.#begin));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await commitTransaction(connection);
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("rollback"));
  }

  async destroy(): Promise<void> {}
}
