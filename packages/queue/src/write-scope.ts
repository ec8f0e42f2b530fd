import type { QueryAccess, Transaction } from "@millrace/database";
import { toError } from "@millrace/kernel";
import { crashPoint } from "./crash-point.ts";
import type { CommitName } from "./crash-point.ts";

/**
 * An open transaction plus what to do when it has committed: wake a worker, tell those who watch.
 * Nothing is announced before its commit, and nothing of a transaction that rolled back.
 */
export type WriteScope = {
  readonly transaction: Transaction;
  readonly afterCommit: (work: () => void) => void;
};

/** Runs `work` in one transaction and then, if it committed, what it asked for. */
export async function withWriteScope<Result>(
  database: QueryAccess,
  work: (scope: WriteScope) => Promise<Result>,
  name: CommitName,
): Promise<Result> {
  // A repeated transaction starts its own list, or a rolled-back try would announce itself.
  const [result, announcements] = await database.transaction(async (transaction) => {
    const asked: (() => void)[] = [];
    const value = await work({ transaction, afterCommit: (announce) => void asked.push(announce) });
    crashPoint(name, "before");
    return [value, asked] as const;
  });
  crashPoint(name, "after");
  for (const announce of announcements) {
    try {
      announce();
    } catch (error) {
      // The bus and the brokers log their own failures. What still throws must not make what was
      // committed look as if it had failed: it would be done again.
      process.emitWarning(toError(error));
    }
  }
  return result;
}
