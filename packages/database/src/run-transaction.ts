import { isAbortedTransactionError } from "kysely";
import type { Queryable, Transaction } from "./database.ts";
import { isTransactionConflict, transactionUndone } from "./errors.ts";

const maxTries = 3;

/**
 * Runs a transaction, again at once after a deadlock or serialization failure. Throws
 * `transaction_was_undone` when a statement was refused and `work` returned all the same.
 */
export async function runTransaction<Result>(
  queryable: Queryable,
  work: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await queryable.transaction().execute(work);
    } catch (error) {
      if (isAbortedTransactionError(error)) throw transactionUndone(error);
      if (tries >= maxTries || !isTransactionConflict(error)) throw error;
    }
  }
}
