import type { Kysely, RawBuilder, Transaction as KyselyTransaction } from "kysely";

// oxlint-disable-next-line typescript/no-generated-empty-object-type -- no table: each package adds its own with `withTables`.
type NoTables = Record<never, Record<string, never>>;

/**
 * Anything that runs SQL: the database itself or an open transaction. Each package names its own
 * tables with `withTables<…>()`; hand-written statements use Kysely's `sql` template.
 */
export type Queryable = Kysely<NoTables>;

/** An open transaction. Pass it down: in embedded mode there is one connection for everybody. */
export type Transaction = KyselyTransaction<NoTables>;

/** How statements and transactions get to a database. */
export type QueryAccess = {
  readonly queryable: Queryable;
  /**
   * Runs `work` in one transaction: committed when it returns, rolled back when it throws. Repeated
   * up to three times after a deadlock or serialization failure, so `work` must only touch the
   * database. No network call and no waiting inside. When `work` returns although a statement was refused,
   * nothing is kept and it throws `transaction_was_undone`. When no statement of it is under way for 10 s, it is undone
   * and throws `transaction_idle`, whatever `work` waits for.
   */
  readonly transaction: <Result>(work: (transaction: Transaction) => Promise<Result>) => Promise<Result>;
};

export type Database = QueryAccess & {
  readonly kind: "embedded" | "postgres";
  /** For logs and pages: product and version, never credentials. */
  readonly description: string;
  /**
   * The same database for work that nobody waits for. The embedded database has one connection, and
   * there those who wait for an answer go first; with a pool it makes no difference.
   */
  readonly background: QueryAccess;
  /**
   * Runs one statement that may take hours, such as making an index, and waits for its answer as long as it takes. Not
   * in a transaction. When the signal comes it throws, and the server may go on with the statement.
   */
  readonly runLong: (statement: RawBuilder<unknown>, signal: AbortSignal) => Promise<void>;
  /** Whether a statement was refused in the last `withinMs` because there is no room on the server's disk. */
  readonly hadNoRoom: (withinMs: number) => boolean;
  readonly close: () => Promise<void>;
};
