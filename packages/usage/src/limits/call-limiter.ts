import { arrayText } from "@millrace/database";
import type { QueryAccess } from "@millrace/database";
import { Batcher } from "@millrace/kernel";
import type { BackgroundWork, Clock } from "@millrace/kernel";
import type { CallLimiter, Taken } from "@millrace/models";
import { sql } from "kysely";
import type { RedisHolds } from "./redis-holds.ts";
import type { ModelLimit, ModelLimits } from "./model-limits.ts";

/** A server that asks for a day would bury the work. */
const maxHoldMs = 3_600_000;
/** So soon another process knows that a model without limits is held back. */
const holdsFreshMs = 1_000;
/** Up to this share later than told, so that those who heard the same do not come back as one. */
const spread = 0.1;
/** Calls that ask with one statement at most: it holds the row of their model for so long. */
const maxTogether = 50;

const free: Taken = { settle: () => undefined };

type Wanted = { readonly owner: string; readonly tokens: number };
/** What the calls for one model share. */
type Turnstile = { readonly take: Batcher<Wanted, number>; readonly settle: Batcher<Wanted, void> };

/**
 * Limits of models over all workers, in PostgreSQL: one round trip for a model that has limits, none for others.
 * Calls of this process that come while one asks for the same model ask together, with one commit.
 */
export class DatabaseCallLimiter implements CallLimiter {
  readonly #database: QueryAccess;
  readonly #turnstiles: ReadonlyMap<string, Turnstile>;
  readonly #background: BackgroundWork;
  readonly #clock: Clock;
  readonly #shared: RedisHolds | undefined;
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
    /** Default: processes learn of each other's holds from the database alone. */
    readonly shared?: RedisHolds | undefined;
    /** Told when somebody has to wait. */
    readonly onWait: (model: string, waitMs: number) => void;
  }) {
    this.#database = parts.database;
    this.#turnstiles = new Map([...parts.limits].map((entry) => [entry[0], this.#turnstile(...entry)]));
    this.#background = parts.background;
    this.#clock = parts.clock;
    this.#shared = parts.shared;
    this.#onWait = parts.onWait;
  }

  readonly take: CallLimiter["take"] = async ({ model, owner, tokens }) => {
    const turnstile = this.#turnstiles.get(model);
    const heldMs = await this.#heldMs(model, turnstile === undefined);
    if (heldMs > 0) return this.#wait(model, heldMs);
    if (turnstile === undefined) return free;
    const wanted = { owner: owner ?? "", tokens: Math.min(Math.max(0, tokens), 1e12) };
    const waitMs = await turnstile.take.add(wanted);
    return waitMs > 0 ? this.#wait(model, waitMs) : { settle: this.#settleOnce(turnstile, wanted) };
  };

  readonly holdBack: CallLimiter["holdBack"] = (model, waitMs) => {
    const heldMs = Math.min(maxHoldMs, waitMs);
    if (!(heldMs > 0)) return;
    this.#remember(model, this.#clock.monotonicMs() + heldMs);
    if (this.#shared !== undefined) void this.#shared.hold(model, heldMs);
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
    const known = (this.#holds.get(model) ?? 0) - nowMs;
    if (known > 0) return known;
    const shared = (await this.#shared?.heldMs(model)) ?? 0;
    if (shared > 0) {
      this.#remember(model, nowMs + Math.min(shared, maxHoldMs));
    } else if (
      isToBeRead &&
      (this.#holdsReadAtMs === undefined || nowMs - this.#holdsReadAtMs >= holdsFreshMs)
    ) {
      await (this.#reading ??= this.#readHolds().finally(() => (this.#reading = undefined)));
    }
    return (this.#holds.get(model) ?? 0) - this.#clock.monotonicMs();
  }

  #remember(model: string, until: number): void {
    this.#holds.set(model, Math.max(until, this.#holds.get(model) ?? 0));
  }

  async #readHolds(): Promise<void> {
    const atMs = this.#clock.monotonicMs();
    const found = await sql<{ model: string; held_ms: number }>`
      SELECT model, (extract(epoch FROM held_until - clock_timestamp()) * 1000)::double precision AS held_ms
      FROM model_limit WHERE held_until > clock_timestamp()`.execute(this.#database.queryable);
    const own = [...this.#holds].filter(([, until]) => until > atMs);
    this.#holds = new Map(own);
    for (const { model, held_ms: heldMs } of found.rows) {
      this.#remember(model, atMs + Math.min(heldMs, maxHoldMs));
    }
    this.#holdsReadAtMs = atMs;
  }

  #settleOnce({ settle }: Turnstile, { owner, tokens: taken }: Wanted): Taken["settle"] {
    let isSettled = false;
    return (tokens) => {
      if (isSettled) return;
      isSettled = true;
      const unused = tokens === null || !(tokens >= 0 && tokens < 1e12) ? 0 : taken - tokens;
      if (unused !== 0)
        this.#background.run("settle the tokens of a call", () => settle.add({ owner, tokens: unused }));
    };
  }

  #turnstile(model: string, limit: ModelLimit): Turnstile {
    const together = { maxSize: maxTogether, maxInFlight: 1, isOfOne: () => false };
    return {
      take: new Batcher({ ...together, run: (wanted) => this.#takeMany(model, limit, wanted) }),
      settle: new Batcher({ ...together, run: (unused) => this.#settleMany(model, limit, unused) }),
    };
  }

  /** The milliseconds that each has to wait, in the order in which they asked; 0: taken. */
  async #takeMany(model: string, limit: ModelLimit, wanted: readonly Wanted[]): Promise<readonly number[]> {
    const found = await sql<{ wait_ms: number }>`
      SELECT take_model_limit(${model}, owner, tokens, ${limit.requests ?? null}::double precision,
        ${limit.tokens ?? null}::double precision) AS wait_ms
      FROM unnest(${arrayText(wanted.map(({ owner }) => owner))}::text[],
        ${arrayText(wanted.map(({ tokens }) => tokens))}::double precision[]) WITH ORDINALITY AS asked(owner, tokens, nth)
      ORDER BY nth`.execute(this.#database.queryable);
    return found.rows.map(({ wait_ms: waitMs }) => waitMs);
  }

  async #settleMany(model: string, limit: ModelLimit, unused: readonly Wanted[]): Promise<void[]> {
    if (limit.tokens !== undefined) {
      await sql`
        SELECT settle_model_limit(${model}, owner, sum(tokens))
        FROM unnest(${arrayText(unused.map(({ owner }) => owner))}::text[],
          ${arrayText(unused.map(({ tokens }) => tokens))}::double precision[]) AS spared(owner, tokens)
        GROUP BY owner`.execute(this.#database.queryable);
    }
    return unused.map(() => undefined);
  }
}
