import type { UsageSettings } from "../settings.ts";

export const measures = ["day_dollars", "month_dollars", "day_tokens", "month_tokens"] as const;
export type Measure = (typeof measures)[number];

/** Most of each; null: no limit. */
export type BudgetLimits = Readonly<Record<Measure, number | null>>;

/** An owner, or `*`: all calls together. */
export type BudgetScope = string;
export const installationScope = "*";

/** What holds where nobody has set anything. */
export function defaultLimits(settings: UsageSettings, scope: BudgetScope): BudgetLimits {
  return scope === installationScope
    ? {
        day_dollars: settings.BUDGET_DAY_DOLLARS ?? null,
        month_dollars: settings.BUDGET_MONTH_DOLLARS ?? null,
        day_tokens: settings.BUDGET_DAY_TOKENS ?? null,
        month_tokens: settings.BUDGET_MONTH_TOKENS ?? null,
      }
    : {
        day_dollars: settings.BUDGET_OWNER_DAY_DOLLARS ?? null,
        month_dollars: settings.BUDGET_OWNER_MONTH_DOLLARS ?? null,
        day_tokens: settings.BUDGET_OWNER_DAY_TOKENS ?? null,
        month_tokens: settings.BUDGET_OWNER_MONTH_TOKENS ?? null,
      };
}

export function isUnlimited(limits: BudgetLimits): boolean {
  return measures.every((measure) => limits[measure] === null);
}

/** Seconds until the day or month (UTC) ends. */
export function secondsLeft(measure: Measure, now: Date): number {
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  const end = measure.startsWith("day") ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1);
  return Math.max(1, Math.ceil((end - now.getTime()) / 1000));
}
