import { CompiledQuery } from "kysely";
import type { QueryResult } from "kysely";
import type { Queryable } from "../database.ts";
import { IdleTimer } from "../idle-timer.ts";

/** A connection that a child process holds, with the time that it may go unused. */
export class HeldConnection {
  readonly #queryable: Queryable;
  readonly #idle: IdleTimer;
  readonly #released = Promise.withResolvers<void>();
  #isGivenBack = false;

  /** `onIdle` is called once when no statement was in flight for `idleMs`. */
  constructor(queryable: Queryable, idleMs: number, onIdle: () => void) {
    this.#queryable = queryable;
    this.#idle = new IdleTimer(idleMs, onIdle);
  }

  /** Resolves when the connection is no longer the child's. */
  get released(): Promise<void> {
    return this.#released.promise;
  }

  async query(statement: CompiledQuery): Promise<QueryResult<unknown>> {
    this.#idle.begin();
    try {
      return await this.#queryable.executeQuery(statement);
    } finally {
      this.#idle.end();
    }
  }

  /** Ends the child's use of it. Outside a transaction a rollback is only a warning of the database. */
  async giveBack(how: "rolled_back" | "as_it_is"): Promise<void> {
    if (this.#isGivenBack) return;
    this.#isGivenBack = true;
    this.#idle.stop();
    if (how === "rolled_back") {
      await this.#queryable.executeQuery(CompiledQuery.raw("rollback")).catch(() => undefined);
    }
    this.#released.resolve();
  }
}
