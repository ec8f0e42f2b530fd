import { isAbortedTransactionError } from "kysely";
import type {
  KyselyPlugin,
  PluginTransformQueryArgs,
  PluginTransformResultArgs,
  QueryResult,
  RootOperationNode,
  UnknownRow,
} from "kysely";
import type { Queryable, Transaction } from "./database.ts";
import { isTransactionConflict, transactionIdle, transactionUndone } from "./errors.ts";
import { IdleTimer } from "./idle-timer.ts";

const maxTries = 3;

/** Less than PostgreSQL's own limit for a transaction that stands idle, after which the connection is gone too. */
const defaultIdleMs = 10_000;

/**
 * Runs a transaction, again at once after a deadlock or serialization failure. Throws
 * `transaction_was_undone` when a statement was refused and `work` returned all the same, and
 * `transaction_idle` when for 10 s (`idleMs`) no statement was under way: whatever `work` waits for, its connection
 * is free again, and nothing it still sends is carried out. No longer after a statement of it was refused.
 */
export async function runTransaction<Result>(
  queryable: Queryable,
  work: (transaction: Transaction) => Promise<Result>,
  { idleMs = defaultIdleMs }: { readonly idleMs?: number } = {},
): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await queryable.transaction().execute((transaction) => unlessIdle(transaction, work, idleMs));
    } catch (error) {
      if (isAbortedTransactionError(error)) throw transactionUndone(error);
      if (tries >= maxTries || !isTransactionConflict(error)) throw error;
    }
  }
}

function unlessIdle<Result>(
  transaction: Transaction,
  work: (transaction: Transaction) => Promise<Result>,
  idleMs: number,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const watch = new IdleWatch(idleMs, reject);
    const run = async (): Promise<Result> => await work(transaction.withPlugin(watch));
    void run()
      .then(resolve, reject)
      .finally(() => watch.stop());
  });
}

/** Sees each statement of a transaction. */
class IdleWatch implements KyselyPlugin {
  readonly #timer: IdleTimer;
  #over: Error | undefined;

  constructor(idleMs: number, onIdle: (error: Error) => void) {
    this.#timer = new IdleTimer(idleMs, () => {
      this.#over = transactionIdle(idleMs);
      this.stop();
      onIdle(this.#over);
    });
  }

  transformQuery({ node }: PluginTransformQueryArgs): RootOperationNode {
    if (this.#over !== undefined) throw this.#over;
    this.#timer.begin();
    return node;
  }

  transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    this.#timer.end();
    return Promise.resolve(result);
  }

  stop(): void {
    this.#timer.stop();
  }
}
