import { CompiledQuery } from "kysely";
import type { QueryResult } from "kysely";
import type { Queryable } from "../database.ts";

/**
 * In so many parts the time is waited for, each begun while this process does something. As one it could
 * be over for a process that stood still, with what the child said meanwhile unread.
 */
const waitParts = 2;

/** A connection that a child process holds, with the time that it may go unused. */
export class HeldConnection {
  readonly #queryable: Queryable;
  readonly #idleMs: number;
  readonly #onIdle: () => void;
  readonly #released = Promise.withResolvers<void>();
  #inFlight = 0;
  #isGivenBack = false;
  #timer: NodeJS.Timeout | undefined;

  /** `onIdle` is called once when no statement was in flight for `idleMs`. */
  constructor(queryable: Queryable, idleMs: number, onIdle: () => void) {
    this.#queryable = queryable;
    this.#idleMs = idleMs;
    this.#onIdle = onIdle;
    this.#arm();
  }

  /** Resolves when the connection is no longer the child's. */
  get released(): Promise<void> {
    return this.#released.promise;
  }

  async query(statement: CompiledQuery): Promise<QueryResult<unknown>> {
    this.#inFlight++;
    this.#disarm();
    try {
      return await this.#queryable.executeQuery(statement);
    } finally {
      this.#inFlight--;
      this.#arm();
    }
  }

  /** Ends the child's use of it. Outside a transaction a rollback is only a warning of the database. */
  async giveBack(how: "rolled_back" | "as_it_is"): Promise<void> {
    if (this.#isGivenBack) return;
    this.#isGivenBack = true;
    this.#disarm();
    if (how === "rolled_back") {
      await this.#queryable.executeQuery(CompiledQuery.raw("rollback")).catch(() => undefined);
    }
    this.#released.resolve();
  }

  #arm(): void {
    if (this.#inFlight > 0 || this.#isGivenBack) return;
    this.#wait(waitParts);
  }

  #wait(partsLeft: number): void {
    const timer = setTimeout(() => {
      // Timers come before what arrived.
      setImmediate(() => {
        if (this.#timer !== timer) return;
        if (partsLeft > 1) this.#wait(partsLeft - 1);
        else this.#onIdle();
      });
    }, this.#idleMs / waitParts);
    this.#timer = timer;
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
