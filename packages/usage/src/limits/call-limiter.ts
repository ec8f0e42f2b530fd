import type { QueryAccess } from "@millrace/database";
import type { BackgroundWork, Clock } from "@millrace/kernel";
import type { CallLimiter, Taken } from "@millrace/models";
import { sql } from "kysely";
import type { ModelLimits } from "./model-limits.ts";

/** A server that asks for a day would bury the work. */
const maxHoldMs = 3_600_000;
/** So soon another process knows that a model without limits is held back. */
const holdsFreshMs = 1_000;
/** Up to this share later than told, so that those who heard the same do not come back as one. */
const spread = 0.1;

const free: Taken = { settle: () => undefined };

/** Limits of models over all workers, in PostgreSQL: one round trip for a model that has limits, none for others. */
export class DatabaseCallLimiter implements CallLimiter {
  readonly #database: QueryAccess;
  readonly #limits: ModelLimits;
  readonly #background: BackgroundWork;
  readonly #clock: Clock;
  readonly #onWait: (model: string, waitMs: number) => void;
  /** By model, until when it is held back, by this process's own clock. */
  #holds = new Map<string, number>();
  #holdsReadAtMs: number | undefined;
  #reading: Promise<void> | undefined;

  constructor(parts: {
    readonly database: QueryAccess;
    readonly limits: ModelLimits;
    readonly background: BackgroundWork;
    readonly clock: Clock;
    /** Told when somebody has to wait. */
    readonly onWait: (model: string, waitMs: number) => void;
  }) {
    this.#database = parts.database;
    this.#limits = parts.limits;
    this.#background = parts.background;
    this.#clock = parts.clock;
    this.#onWait = parts.onWait;
  }

  readonly take: CallLimiter["take"] = async ({ model, owner, tokens }) => {
    const limit = this.#limits.get(model);
    const heldMs = await this.#heldMs(model, limit === undefined);
    if (heldMs > 0) return this.#wait(model, heldMs);
    if (limit === undefined) return free;
    const wanted = Math.min(Math.max(0, tokens), 1e12);
    const found = await sql<{ wait_ms: number }>`
      SELECT take_model_limit(${model}, ${owner ?? ""}, ${wanted}::double precision,
        ${limit.requests ?? null}::double precision, ${limit.tokens ?? null}::double precision) AS wait_ms
    `.execute(this.#database.queryable);
    const waitMs = found.rows[0]?.wait_ms ?? 0;
    if (waitMs > 0) return this.#wait(model, waitMs);
    return { settle: this.#settleOnce(model, owner ?? "", limit.tokens === undefined ? undefined : wanted) };
  };

  readonly holdBack: CallLimiter["holdBack"] = (model, waitMs) => {
    const heldMs = Math.min(maxHoldMs, waitMs);
    if (!(heldMs > 0)) return;
    const until = this.#clock.monotonicMs() + heldMs;
    this.#holds.set(model, Math.max(until, this.#holds.get(model) ?? 0));
    this.#background.run("hold a model back", () =>
      sql`
        INSERT INTO model_limit AS known (model, held_until)
        VALUES (${model}, clock_timestamp() + ${heldMs}::double precision * interval '1 millisecond')
        ON CONFLICT (model) DO UPDATE SET held_until = CASE
          -- Of a clock that has been put back since.
          WHEN known.held_until > clock_timestamp() + ${maxHoldMs}::double precision * interval '1 millisecond'
            THEN excluded.held_until
          ELSE greatest(known.held_until, excluded.held_until) END`.execute(this.#database.queryable),
    );
  };

  #wait(model: string, waitMs: number): { readonly waitMs: number } {
    const told = Math.ceil(waitMs * (1 + Math.random() * spread));
    this.#onWait(model, told);
    return { waitMs: told };
  }

  /** Where there are limits, the database says it with them. */
  async #heldMs(model: string, isToBeRead: boolean): Promise<number> {
    const nowMs = this.#clock.monotonicMs();
    if (isToBeRead && (this.#holdsReadAtMs === undefined || nowMs - this.#holdsReadAtMs >= holdsFreshMs)) {
      await (this.#reading ??= this.#readHolds().finally(() => (this.#reading = undefined)));
    }
    return (this.#holds.get(model) ?? 0) - this.#clock.monotonicMs();
  }

  async #readHolds(): Promise<void> {
    const atMs = this.#clock.monotonicMs();
    const found = await sql<{ model: string; held_ms: number }>`
      SELECT model, (extract(epoch FROM held_until - clock_timestamp()) * 1000)::double precision AS held_ms
      FROM model_limit WHERE held_until > clock_timestamp()`.execute(this.#database.queryable);
    const own = [...this.#holds].filter(([, until]) => until > atMs);
    this.#holds = new Map(own);
    for (const { model, held_ms: heldMs } of found.rows) {
      const until = atMs + Math.min(heldMs, maxHoldMs);
      this.#holds.set(model, Math.max(until, this.#holds.get(model) ?? 0));
    }
    this.#holdsReadAtMs = atMs;
  }

  #settleOnce(model: string, owner: string, taken: number | undefined): Taken["settle"] {
    let isSettled = taken === undefined;
    return (tokens) => {
      if (isSettled || taken === undefined) return;
      isSettled = true;
      const unused = tokens === null || !(tokens >= 0 && tokens < 1e12) ? 0 : taken - tokens;
      if (unused === 0) return;
      this.#background.run("settle the tokens of a call", () =>
        sql`SELECT settle_model_limit(${model}, ${owner}, ${unused}::double precision)`.execute(
          this.#database.queryable,
        ),
      );
    };
  }
}
