import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";

/** More than two clocks drift apart between two looks, less than any lease. */
const toleratedMs = 2_000;

type Look = { readonly databaseMs: number; readonly beforeMs: number; readonly afterMs: number };

/**
 * Compares the database's clock with the process's own, which never jumps. That of the machine is none: a
 * suspend, an administrator or a restart elsewhere moves it.
 */
export class ClockWatch {
  readonly #readDatabaseMs: () => Promise<number>;
  readonly #nowMs: () => number;
  #last: Look | undefined;

  constructor(readDatabaseMs: () => Promise<number>, nowMs: () => number = () => performance.now()) {
    this.#readDatabaseMs = readDatabaseMs;
    this.#nowMs = nowMs;
  }

  /**
   * By how much the database's clock jumped since the last look, in milliseconds, backwards below 0; 0 when
   * it did not. The first look has nothing to compare with, and gives undefined.
   */
  async jumpMs(): Promise<number | undefined> {
    const beforeMs = this.#nowMs();
    const databaseMs = await this.#readDatabaseMs();
    const look = { databaseMs, beforeMs, afterMs: this.#nowMs() };
    const last = this.#last;
    this.#last = look;
    return last === undefined ? undefined : jumpBetween(last, look);
  }
}

/**
 * Notices that the database's clock jumped (a suspend, a restart elsewhere, an administrator): for
 * one lease after a jump no job may be taken back, or living workers would lose theirs.
 */
export class ClockGuard {
  readonly #watch: ClockWatch;
  readonly #leaseMs: number;
  readonly #nowMs: () => number;
  #distrustedUntilMs = 0;

  /** `nowMs` is this process's own clock, which never jumps. */
  constructor(
    readDatabaseMs: () => Promise<number>,
    leaseMs: number,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#watch = new ClockWatch(readDatabaseMs, nowMs);
    this.#leaseMs = leaseMs;
    this.#nowMs = nowMs;
  }

  async isSane(): Promise<boolean> {
    const jumpMs = await this.#watch.jumpMs();
    const nowMs = this.#nowMs();
    // At the first look it is not known, and leases may date from before a jump.
    if (jumpMs !== 0) this.#distrustedUntilMs = nowMs + this.#leaseMs;
    return nowMs >= this.#distrustedUntilMs;
  }
}

/** The database read its clock at some moment of each look; a slow answer is no jump. */
function jumpBetween(last: Look, look: Look): number {
  const passedMs = look.databaseMs - last.databaseMs;
  const leastMs = look.beforeMs - last.afterMs;
  const mostMs = look.afterMs - last.beforeMs;
  if (passedMs < leastMs - toleratedMs) return passedMs - leastMs;
  return passedMs > mostMs + toleratedMs ? passedMs - mostMs : 0;
}

/** The database's clock, in milliseconds since 1970. */
export async function readDatabaseMs(database: QueryAccess): Promise<number> {
  const answer = await sql<{ ms: number }>`
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::double precision AS ms`.execute(
    database.queryable,
  );
  return answer.rows[0]?.ms ?? 0;
}
