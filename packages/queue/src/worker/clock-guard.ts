import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";

/** More than two clocks drift apart between two looks, less than any lease. */
const toleratedMs = 2_000;

type Look = { readonly databaseMs: number; readonly beforeMs: number; readonly afterMs: number };

/**
 * Notices that the database's clock jumped (a suspend, a restart elsewhere, an administrator): for
 * one lease after a jump no job may be taken back, or living workers would lose theirs.
 */
export class ClockGuard {
  readonly #readDatabaseMs: () => Promise<number>;
  readonly #leaseMs: number;
  readonly #nowMs: () => number;
  #last: Look | undefined;
  #distrustedUntilMs = 0;

  /** `nowMs` is this process's own clock, which never jumps. */
  constructor(
    readDatabaseMs: () => Promise<number>,
    leaseMs: number,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#readDatabaseMs = readDatabaseMs;
    this.#leaseMs = leaseMs;
    this.#nowMs = nowMs;
  }

  async isSane(): Promise<boolean> {
    const beforeMs = this.#nowMs();
    const databaseMs = await this.#readDatabaseMs();
    const look = { databaseMs, beforeMs, afterMs: this.#nowMs() };
    const last = this.#last;
    this.#last = look;
    // The first look has nothing to compare with: leases may date from before a jump.
    if (last === undefined || hasJumped(last, look)) this.#distrustedUntilMs = look.afterMs + this.#leaseMs;
    return look.afterMs >= this.#distrustedUntilMs;
  }
}

/** The database read its clock at some moment of each look; a slow answer is no jump. */
function hasJumped(last: Look, look: Look): boolean {
  const passedMs = look.databaseMs - last.databaseMs;
  const leastMs = look.beforeMs - last.afterMs;
  const mostMs = look.afterMs - last.beforeMs;
  return passedMs < leastMs - toleratedMs || passedMs > mostMs + toleratedMs;
}

/** The database's clock, in milliseconds since 1970. */
export async function readDatabaseMs(database: QueryAccess): Promise<number> {
  const answer = await sql<{ ms: number }>`
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::double precision AS ms`.execute(
    database.queryable,
  );
  return answer.rows[0]?.ms ?? 0;
}
