import { jsonText } from "@millrace/database";
import type { QueryAccess } from "@millrace/database";
import { newId, sleep, toError } from "@millrace/kernel";
import type { BackgroundWork, Clock, Logger, Service } from "@millrace/kernel";
import type { CallLedger, Reservation } from "@millrace/models";
import { sql } from "kysely";
import { budgetExceeded } from "../errors.ts";
import { secondsLeft } from "./budget.ts";
import type { BudgetScope, Measure } from "./budget.ts";
import type { KnownBudgets, ScopedLimits } from "./known-budgets.ts";

/** What a dead process had set aside is given back after this long. */
const leaseMs = 90_000;
const renewMs = 30_000;
const settleTries = 4;

type Broken = {
  readonly scope: BudgetScope;
  readonly measure: Measure;
  readonly allowed: number;
  readonly used: number;
};

/** Nothing is limited, so nothing is counted: the list of calls has it all the same. */
const unlimited: Reservation = { settle: async () => undefined };

/** Sets money and tokens aside for calls under way, and says for as long as they last that they do. */
export class Reservations implements Service {
  readonly name = "model budgets";
  readonly #database: QueryAccess;
  readonly #budgets: KnownBudgets;
  readonly #background: BackgroundWork;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #open = new Set<string>();
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: {
    readonly database: QueryAccess;
    readonly budgets: KnownBudgets;
    readonly background: BackgroundWork;
    readonly logger: Logger;
    readonly clock: Clock;
  }) {
    this.#database = parts.database;
    this.#budgets = parts.budgets;
    this.#background = parts.background;
    this.#logger = parts.logger;
    this.#clock = parts.clock;
  }

  async start(): Promise<void> {
    this.#timer ??= setInterval(
      () => this.#background.run("renew reservations", () => this.#renew()),
      renewMs,
    );
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort();
  }

  /** Throws `budget_exceeded`, and what the database throws. */
  readonly reserve: CallLedger["reserve"] = async ({ origin, cost, tokens = null }) => {
    const budgets = await this.#budgets.budgetsOf(origin.owner);
    if (budgets.length === 0) return unlimited;
    const wanted = { dollars: countable(cost), tokens: wholeOrNull(tokens) };
    const id = newId();
    const broken = await this.#take(id, wanted, budgets);
    if (broken !== undefined) {
      throw budgetExceeded({
        ...broken,
        wanted: broken.measure.endsWith("dollars") ? wanted.dollars : wanted.tokens,
        retryAfterSeconds: secondsLeft(broken.measure, this.#clock.now()),
      });
    }
    this.#open.add(id);
    return { settle: (spent, used = null) => this.#settle(id, wanted, budgets, { spent, used }) };
  };

  async #take(
    id: string,
    { dollars, tokens }: { readonly dollars: number | null; readonly tokens: number | null },
    budgets: readonly ScopedLimits[],
  ): Promise<Broken | undefined> {
    const found = await sql<Broken>`
      SELECT * FROM reserve_budget(${id}::uuid, ${dollars}::numeric, ${tokens}::bigint, ${leaseMs}::double precision,
        ${jsonText(budgets)}::jsonb)`.execute(this.#database.queryable);
    return found.rows[0];
  }

  async #settle(
    id: string,
    wanted: { readonly dollars: number | null; readonly tokens: number | null },
    budgets: readonly ScopedLimits[],
    { spent, used }: { readonly spent: number | null; readonly used: number | null },
  ): Promise<void> {
    if (!this.#open.delete(id)) return;
    const dollars = countable(spent) ?? wanted.dollars ?? 0;
    // A call that failed without a count costs nothing: a server's bad day must not use a budget up.
    const tokens = wholeOrNull(used) ?? (spent === 0 ? 0 : (wanted.tokens ?? 0));
    const scopes = budgets.map(({ scope }) => scope);
    const settle = () =>
      sql`SELECT settle_budget(${id}::uuid, ${scopes}::text[], ${dollars}::numeric, ${tokens}::bigint)`.execute(
        this.#database.queryable,
      );
    await settle().catch(() => this.#background.run("settle a reservation", () => this.#settleLater(settle)));
  }

  /** The statement counts once, however often it comes. */
  async #settleLater(settle: () => Promise<unknown>): Promise<void> {
    for (let tries = 1; ; tries++) {
      await sleep(1_000 * 2 ** tries, this.#stopping.signal).catch(() => undefined);
      try {
        return void (await settle());
      } catch (error) {
        if (tries < settleTries && !this.#stopping.signal.aborted) continue;
        this.#logger.warn(
          { err: toError(error) },
          "what a call cost could not be counted in its budget; what was set aside for it is given back",
        );
        return;
      }
    }
  }

  async #renew(): Promise<void> {
    if (this.#open.size === 0) return;
    // Waits for nobody: who settles or gives back holds others of these rows.
    await sql`
      UPDATE model_reservation SET expires_at = now() + ${leaseMs}::double precision * interval '1 millisecond'
      WHERE (id, scope) IN (
        SELECT id, scope FROM model_reservation WHERE id = ANY(${[...this.#open]}::uuid[]) FOR UPDATE SKIP LOCKED)
    `.execute(this.#database.queryable);
  }
}

/** A figure that nobody can have meant is unknown. */
function countable(dollars: number | null): number | null {
  return dollars !== null && dollars >= 0 && dollars < 1e9 ? dollars : null;
}

function wholeOrNull(tokens: number | null): number | null {
  return tokens !== null && tokens >= 0 && tokens < 1e15 ? Math.ceil(tokens) : null;
}
