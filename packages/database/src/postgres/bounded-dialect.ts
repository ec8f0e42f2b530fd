import { CompiledQuery, PostgresDialect, PostgresDriver } from "kysely";
import type { DatabaseConnection, TransactionSettings } from "kysely";
import type { Pool } from "pg";

/**
 * What a transaction may take, so that a process that stops in the middle of one (frozen, swapped out,
 * cut off) does not keep its rows locked for everybody. Idle: no transaction of ours waits for
 * anything but the database, so 15 s is far more than one needs. A statement: less than the driver's
 * own limit of 60 s, which would leave the statement running.
 */
const limits = "set local idle_in_transaction_session_timeout = '15s'; set local statement_timeout = '55s'";

/** Begins a transaction with its limits in one round trip. They end with it, which a pooler needs. */
export const beginBounded = `begin; ${limits}`;

/** Kysely's dialect for PostgreSQL with bounded transactions. */
export class BoundedPostgresDialect extends PostgresDialect {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    super({ pool });
    this.#pool = pool;
  }

  override createDriver(): PostgresDriver {
    return new BoundedPostgresDriver({ pool: this.#pool });
  }
}

class BoundedPostgresDriver extends PostgresDriver {
  override async beginTransaction(
    connection: DatabaseConnection,
    settings: TransactionSettings,
  ): Promise<void> {
    if (settings.isolationLevel === undefined && settings.accessMode === undefined) {
      await connection.executeQuery(CompiledQuery.raw(beginBounded));
      return;
    }
    await super.beginTransaction(connection, settings);
    await connection.executeQuery(CompiledQuery.raw(limits));
  }
}
