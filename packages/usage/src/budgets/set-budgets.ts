import type { QueryAccess, Queryable } from "@millrace/database";
import { sql } from "kysely";
import { budgetNotFound } from "../errors.ts";
import type { UsageSettings } from "../settings.ts";
import { defaultLimits, installationScope, isUnlimited, measures } from "./budget.ts";
import type { BudgetLimits, BudgetScope, Measure } from "./budget.ts";

/** A budget as it stands. */
export type BudgetRecord = {
  readonly scope: BudgetScope;
  readonly limits: BudgetLimits;
  /** Spent in this day and month. */
  readonly used: Readonly<Record<Measure, number>>;
  /** Set aside for calls under way. */
  readonly reserved: { readonly dollars: number; readonly tokens: number };
  /** A call was refused within the last minutes, perhaps because it could cost more than is left. */
  readonly isRefusing: boolean;
  /** Null: of the settings. */
  readonly changedBy: string | null;
  readonly changedAt: Date | null;
};

/** Sets all limits of a scope, in place of those of the settings; what it has used is counted anew. */
export async function setBudget(
  database: QueryAccess,
  scope: BudgetScope,
  limits: BudgetLimits,
  { by }: { readonly by: string },
): Promise<void> {
  const { day_dollars, month_dollars, day_tokens, month_tokens } = limits;
  await database.transaction(async (transaction) => {
    await sql`
      INSERT INTO model_budget (scope, day_dollars, month_dollars, day_tokens, month_tokens, changed_by)
      VALUES (${scope}, ${day_dollars}::numeric, ${month_dollars}::numeric, ${day_tokens}::bigint,
        ${month_tokens}::bigint, ${by})
      ON CONFLICT (scope) DO UPDATE SET day_dollars = excluded.day_dollars, month_dollars = excluded.month_dollars,
        day_tokens = excluded.day_tokens, month_tokens = excluded.month_tokens,
        changed_by = excluded.changed_by, changed_at = now()`.execute(transaction);
    await sql`DELETE FROM model_budget_use WHERE scope = ${scope}`.execute(transaction);
    await sql`SELECT lock_budget_use(${scope})`.execute(transaction);
  });
}

/** Lets the settings hold again; what was used is counted anew when it is needed. Throws `budget_not_found`. */
export async function removeBudget(database: QueryAccess, scope: BudgetScope): Promise<void> {
  await database.transaction(async (transaction) => {
    const removed = await sql`DELETE FROM model_budget WHERE scope = ${scope} RETURNING scope`.execute(
      transaction,
    );
    if (removed.rows.length === 0) throw budgetNotFound(scope);
    await sql`DELETE FROM model_budget_use WHERE scope = ${scope}`.execute(transaction);
  });
}

/** Longer than jobs are put off by a budget: each of them asks again within it. */
const refusingMs = 20 * 60_000;

type Row = Record<Measure, number> & {
  scope: string;
  limits: BudgetLimits | null;
  reserved_dollars: number;
  reserved_tokens: number;
  is_refusing: boolean;
  changed_by: string | null;
  changed_at: Date | null;
};

/**
 * Budgets with a limit, and how they stand: that of the installation first. Of owners only those given, or all
 * that were ever counted.
 */
export async function listBudgets(
  queryable: Queryable,
  settings: UsageSettings,
  owners: readonly string[] | "all" = "all",
): Promise<BudgetRecord[]> {
  const named = owners === "all" ? null : [installationScope, ...owners];
  const found = await sql<Row>`
    WITH today AS (SELECT (now() AT TIME ZONE 'UTC')::date AS day, date_trunc('month', now() AT TIME ZONE 'UTC')::date AS month)
    SELECT scope, changed_by, changed_at,
      coalesce(refused_at > now() - ${refusingMs}::double precision * interval '1 millisecond', false) AS is_refusing,
      CASE WHEN budget.scope IS NOT NULL THEN jsonb_build_object('day_dollars', budget.day_dollars,
        'month_dollars', budget.month_dollars, 'day_tokens', budget.day_tokens, 'month_tokens', budget.month_tokens) END AS limits,
      coalesce(CASE WHEN used.day >= today.day THEN used.day_dollars END, 0)::double precision AS day_dollars,
      coalesce(CASE WHEN used.day >= today.day THEN used.day_tokens END, 0)::double precision AS day_tokens,
      coalesce(CASE WHEN used.month >= today.month THEN used.month_dollars END, 0)::double precision AS month_dollars,
      coalesce(CASE WHEN used.month >= today.month THEN used.month_tokens END, 0)::double precision AS month_tokens,
      coalesce(used.reserved_dollars, 0)::double precision AS reserved_dollars,
      coalesce(used.reserved_tokens, 0)::double precision AS reserved_tokens
    FROM model_budget AS budget FULL JOIN model_budget_use AS used USING (scope) CROSS JOIN today
    WHERE ${named}::text[] IS NULL OR scope = ANY(${named}::text[])
    ORDER BY scope <> ${installationScope}, scope LIMIT 10000`.execute(queryable);
  const known = new Set(found.rows.map(({ scope }) => scope));
  const untouched = [installationScope, ...(owners === "all" ? [] : owners)].filter(
    (scope) => !known.has(scope),
  );
  return [...untouched.map(emptyRow), ...found.rows]
    .map((row) => toRecord(row, row.limits ?? defaultLimits(settings, row.scope)))
    .filter(({ limits }) => !isUnlimited(limits));
}

function emptyRow(scope: BudgetScope): Row {
  const none = {
    limits: null,
    is_refusing: false,
    reserved_dollars: 0,
    reserved_tokens: 0,
    changed_by: null,
    changed_at: null,
  };
  return { scope, day_dollars: 0, month_dollars: 0, day_tokens: 0, month_tokens: 0, ...none };
}

function toRecord(row: Row, limits: BudgetLimits): BudgetRecord {
  const { scope, day_dollars, month_dollars, day_tokens, month_tokens } = row;
  return {
    scope,
    limits,
    used: { day_dollars, month_dollars, day_tokens, month_tokens },
    reserved: { dollars: row.reserved_dollars, tokens: row.reserved_tokens },
    isRefusing: row.is_refusing,
    changedBy: row.changed_by,
    changedAt: row.changed_at,
  };
}

/** How a budget stands: `near` from so many percent on, `exceeded` when it refuses calls. */
export function stateOf(record: BudgetRecord, warnPercent: number): "ok" | "near" | "exceeded" {
  const { share } = mostUsed(record);
  if (record.isRefusing || share >= 1) return "exceeded";
  return share * 100 >= warnPercent ? "near" : "ok";
}

/** The largest share of a limit that is used or set aside, and which limit that is; 1 is all of it. */
export function mostUsed({ limits, used, reserved }: BudgetRecord): {
  readonly measure: Measure;
  readonly share: number;
} {
  const shares = measures.map((measure) => {
    const limit = limits[measure];
    const sum = used[measure] + (measure.endsWith("dollars") ? reserved.dollars : reserved.tokens);
    if (limit === null) return { measure, share: 0 };
    return { measure, share: limit === 0 ? 1 : sum / limit };
  });
  return shares.reduce((most, next) => (next.share > most.share ? next : most));
}
