import { monitorEventLoopDelay } from "node:perf_hooks";
import type { QueryAccess } from "@millrace/database";
import type { Clock } from "@millrace/kernel";
import { ClockWatch, readDatabaseMs } from "@millrace/queue";
import type { AlarmCondition } from "@millrace/queue";
import { sql } from "kysely";
import { RecentTimes } from "./recent-times.ts";

const windowMs = 120_000;
/** With fewer a single slow one would be the 95th of a hundred. */
const minSamples = 21;
/** A jump is an event: it is told of for this long. */
const jumpShownMs = 600_000;

/** What one process measures of itself: its way to the database, and the two clocks. */
export class OwnMeasures {
  readonly #database: QueryAccess;
  readonly #clock: Clock;
  readonly #process: string;
  readonly #p95Ms: number;
  readonly #trips = new RecentTimes(windowMs);
  readonly #clocks: ClockWatch;
  readonly #loopDelay = monitorEventLoopDelay();
  #jump: { readonly atMs: number; readonly ms: number } | undefined;

  constructor(options: {
    readonly database: QueryAccess;
    readonly clock: Clock;
    /** How this process is called where several are seen: `host/pid`. */
    readonly process: string;
    /** The threshold. */
    readonly p95Ms: number;
  }) {
    this.#database = options.database;
    this.#clock = options.clock;
    this.#process = options.process;
    this.#p95Ms = options.p95Ms;
    const monotonicMs = (): number => this.#clock.monotonicMs();
    this.#clocks = new ClockWatch(() => readDatabaseMs(this.#database), monotonicMs);
  }

  /**
   * Makes one round trip, as small as there is, that waits for its turn like everybody's. One that fails
   * counts too; that the database is away is said by those who need it.
   */
  async probe(): Promise<void> {
    // From the first one on: nothing is measured, and nothing kept alive, before this process is at work.
    this.#loopDelay.enable();
    const beforeMs = this.#clock.monotonicMs();
    await sql`SELECT 1`.execute(this.#database.queryable).catch(() => undefined);
    const atMs = this.#clock.monotonicMs();
    this.#trips.add({ atMs, ms: atMs - beforeMs });
  }

  /** What is wrong now. */
  async find(): Promise<AlarmCondition[]> {
    const jumpMs = (await this.#clocks.jumpMs()) ?? 0;
    const nowMs = this.#clock.monotonicMs();
    if (jumpMs !== 0) this.#jump = { atMs: nowMs, ms: jumpMs };
    return [...this.#slowDatabase(), ...this.#clockJump(nowMs)];
  }

  stop(): void {
    this.#loopDelay.disable();
  }

  #slowDatabase(): AlarmCondition[] {
    const p95Ms = Math.round(this.#trips.percentile(95));
    const loopDelayMs = Math.round(this.#loopDelay.percentile(95) / 1e6);
    this.#loopDelay.reset();
    if (this.#trips.count < minSamples || p95Ms <= this.#p95Ms) return [];
    return [
      {
        kind: "database_slow",
        subject: this.#process,
        message: `For process ${this.#process} 5 % of the round trips to the database take longer than ${p95Ms} ms; the threshold is ${this.#p95Ms} ms.`,
        details: {
          p95_ms: p95Ms,
          round_trips: this.#trips.count,
          window_seconds: windowMs / 1000,
          // When this is as large, it is the process that is slow.
          loop_delay_p95_ms: loopDelayMs,
          threshold: this.#p95Ms,
        },
      },
    ];
  }

  #clockJump(nowMs: number): AlarmCondition[] {
    if (this.#jump === undefined || nowMs - this.#jump.atMs > jumpShownMs) return [];
    const seconds = Math.round(this.#jump.ms / 100) / 10;
    return [
      {
        kind: "clock_jump",
        subject: this.#process,
        message: `The clock of the database went ${Math.abs(seconds)} s ${seconds > 0 ? "ahead of" : "behind"} that of process ${this.#process} from one look to the next.`,
        details: { seconds },
      },
    ];
  }
}
