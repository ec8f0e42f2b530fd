import { Worker } from "node:worker_threads";
import { toError } from "@millrace/kernel";
import type { CompiledQuery, DatabaseConnection, QueryResult } from "kysely";
import { answerUnreadable, databaseClosed, embeddedDatabaseStopped } from "../errors.ts";
import type { FromThread, ThreadError, ToThread } from "./messages.ts";

/** An error of the embedded database, with the fields that `pg` gives too. */
class EmbeddedDatabaseError extends Error {
  readonly code: string | undefined;
  readonly constraint: string | undefined;
  readonly position: string | undefined;

  constructor(error: ThreadError) {
    super(error.message);
    this.name = "EmbeddedDatabaseError";
    this.code = error.code;
    this.constraint = error.constraint;
    this.position = error.position;
  }
}

type Pending = { resolve: (reply: FromThread & { ok: true }) => void; reject: (error: Error) => void };

/** The one connection to the embedded database. Statements run in the order they are sent. */
export class PgliteConnection implements DatabaseConnection {
  readonly #thread: Worker;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  private constructor(thread: Worker) {
    this.#thread = thread;
    thread.on("message", (reply: FromThread) => this.#settle(reply));
    thread.on("messageerror", (error) => this.#settleUnread(toError(error)));
    thread.on("error", (error) => this.#fail(embeddedDatabaseStopped(toError(error))));
    thread.on("exit", () => this.#fail(embeddedDatabaseStopped(undefined)));
  }

  /** Opens (creating if empty) the folder, or a database in memory. Resolves when it answers. */
  static async open(folder: string | null): Promise<PgliteConnection> {
    const thread = new Worker(new URL("./pglite-thread.ts", import.meta.url), { workerData: { folder } });
    const connection = new PgliteConnection(thread);
    await new Promise<void>((resolve, reject) => {
      connection.#pending.set(0, { resolve: () => resolve(), reject });
    });
    return connection;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const reply = await this.#send({
      id: ++this.#lastId,
      kind: "query",
      sql: query.sql,
      parameters: query.parameters,
    });
    // The row type is the caller's claim, as in every SQL driver.
    return { rows: reply.rows as Row[], numAffectedRows: BigInt(reply.affectedRows) };
  }

  // eslint-disable-next-line require-yield -- the interface asks for a generator; embedded mode has no cursors.
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error("Streaming queries are not supported by the embedded database.");
  }

  /** Ends the thread after what was sent before. Twice is fine. */
  close(): Promise<void> {
    return (this.#closing ??= this.#end());
  }

  async #end(): Promise<void> {
    if (this.#failure === undefined) {
      const closed = this.#send({ id: ++this.#lastId, kind: "close" });
      this.#failure = databaseClosed();
      await closed;
    }
    await this.#thread.terminate();
  }

  #send(message: ToThread): Promise<FromThread & { ok: true }> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      // Before it is pending: one that can't be sent is never answered.
      this.#thread.postMessage(message);
      this.#pending.set(message.id, { resolve, reject });
    });
  }

  #settle(reply: FromThread): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (reply.ok) pending?.resolve(reply);
    else if (reply.error === "unsendable") pending?.reject(answerUnreadable());
    else pending?.reject(new EmbeddedDatabaseError(reply.error));
  }

  /** A reply that can't be read has no id either; replies come in the order of what was sent. */
  #settleUnread(cause: Error): void {
    const [oldest] = this.#pending;
    if (oldest === undefined) return;
    const [id, { reject }] = oldest;
    this.#pending.delete(id);
    reject(answerUnreadable(cause));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    this.#pending.clear();
  }
}
