import type { QueryAccess } from "@millrace/database";
import type { Clock } from "@millrace/kernel";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type { UsageSettings } from "../settings.ts";
import { defaultLimits, installationScope, isUnlimited } from "./budget.ts";
import type { BudgetLimits, BudgetScope } from "./budget.ts";

/** A change of a budget holds in every process after this long. */
const freshMs = 5_000;

export type ScopedLimits = BudgetLimits & { readonly scope: BudgetScope };

/** Which budgets hold, without asking for each call: what people have set is read every five seconds at most. */
export class KnownBudgets {
  readonly #database: QueryAccess;
  readonly #settings: UsageSettings;
  readonly #clock: Clock;
  #set: ReadonlyMap<BudgetScope, BudgetLimits> = new Map();
  #readAtMs: number | undefined;
  #reading: Promise<void> | undefined;

  constructor(parts: {
    readonly database: QueryAccess;
    readonly settings: UsageSettings;
    readonly clock: Clock;
  }) {
    this.#database = parts.database;
    this.#settings = parts.settings;
    this.#clock = parts.clock;
  }

  /** The budgets that a call of this owner counts in, in the order of their locks. */
  async budgetsOf(owner: string | null): Promise<readonly ScopedLimits[]> {
    const isFresh = this.#readAtMs !== undefined && this.#clock.monotonicMs() - this.#readAtMs < freshMs;
    if (!isFresh) await (this.#reading ??= this.#read().finally(() => (this.#reading = undefined)));
    return [...(owner === null ? [] : [owner]), installationScope]
      .map((scope) => ({ ...(this.#set.get(scope) ?? defaultLimits(this.#settings, scope)), scope }))
      .filter((limits) => !isUnlimited(limits));
  }

  async #read(): Promise<void> {
    const atMs = this.#clock.monotonicMs();
    // Once: a process that does not count must not leave a sum behind that looks counted.
    const first = this.#readAtMs === undefined ? forgetUnlimited(this.#settings) : sql``;
    const found = await readSetBudgets(this.#database, first);
    this.#set = new Map(found.map(({ scope, ...limits }) => [scope, limits]));
    this.#readAtMs = atMs;
  }
}

/** What was used of budgets that don't hold: it is counted anew, from the list of calls, when they hold again. */
function forgetUnlimited(settings: UsageSettings): RawBuilder<unknown> {
  const isInstallationFree = isUnlimited(defaultLimits(settings, installationScope));
  // Any owner: the settings have one budget for all of them.
  const isOwnerFree = isUnlimited(defaultLimits(settings, ""));
  return sql`
    WITH forgotten AS (DELETE FROM model_budget_use WHERE scope IN (
      SELECT used.scope FROM model_budget_use AS used
      WHERE CASE WHEN used.scope = ${installationScope} THEN ${isInstallationFree}::boolean ELSE ${isOwnerFree}::boolean END
        AND NOT EXISTS (SELECT FROM model_budget WHERE model_budget.scope = used.scope)
        AND reserved_dollars = 0 AND reserved_tokens = 0 FOR UPDATE SKIP LOCKED))`;
}

async function readSetBudgets(
  { queryable }: QueryAccess,
  first: RawBuilder<unknown>,
): Promise<ScopedLimits[]> {
  const found = await sql<ScopedLimits>`
    ${first} SELECT scope, day_dollars::double precision AS day_dollars, month_dollars::double precision AS month_dollars,
      day_tokens, month_tokens FROM model_budget`.execute(queryable);
  return found.rows;
}
