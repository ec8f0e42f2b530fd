import type { Kysely, Transaction as KyselyTransaction } from "kysely";

// oxlint-disable-next-line typescript/no-generated-empty-object-type -- no table: each package adds its own with `withTables`.
type NoTables = Record<never, Record<string, never>>;

/**
 * Anything that runs SQL: the database itself or an open transaction. Each package names its own
 * tables with `withTables<…>()`; hand-written statements use Kysely's `sql` template.
 */
export type Queryable = Kysely<NoTables>;

/** An open transaction. Pass it down: in embedded mode there is one connection for everybody. */
export type Transaction = KyselyTransaction<NoTables>;

export type Database = {
  readonly kind: "embedded" | "postgres";
  /** For logs and pages: product and version, never credentials. */
  readonly description: string;
  readonly queryable: Queryable;
  /**
   * Runs `work` in one transaction: committed when it returns, rolled back when it throws. Repeated
   * up to three times after a deadlock or serialization failure, so `work` must only touch the
   * database. No network call and no waiting inside.
   */
  readonly transaction: <Result>(work: (transaction: Transaction) => Promise<Result>) => Promise<Result>;
  readonly close: () => Promise<void>;
};
