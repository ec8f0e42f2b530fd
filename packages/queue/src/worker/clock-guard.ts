import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";

/** More than any network delay, less than any lease. */
const toleratedMs = 2_000;

/**
 * Notices that the database's clock jumped (a suspend, a restart elsewhere, an administrator): for
 * one lease after a jump no job may be taken back, or living workers would lose theirs.
 */
export class ClockGuard {
  readonly #database: QueryAccess;
  readonly #leaseMs: number;
  #last: { readonly databaseMs: number; readonly ownMs: number } | undefined;
  #distrustedUntilMs = 0;

  constructor(database: QueryAccess, leaseMs: number) {
    this.#database = database;
    this.#leaseMs = leaseMs;
  }

  async isSane(): Promise<boolean> {
    const answer = await sql<{ ms: number }>`
      SELECT (extract(epoch FROM clock_timestamp()) * 1000)::double precision AS ms`.execute(
      this.#database.queryable,
    );
    const now = { databaseMs: answer.rows[0]?.ms ?? 0, ownMs: performance.now() };
    const last = this.#last;
    this.#last = now;
    // The first look has nothing to compare with: leases may date from before a jump.
    if (last === undefined) this.#distrustedUntilMs = now.ownMs + this.#leaseMs;
    else {
      const jumpMs = Math.abs(now.databaseMs - last.databaseMs - (now.ownMs - last.ownMs));
      if (jumpMs > toleratedMs) this.#distrustedUntilMs = now.ownMs + this.#leaseMs;
    }
    return now.ownMs >= this.#distrustedUntilMs;
  }
}
