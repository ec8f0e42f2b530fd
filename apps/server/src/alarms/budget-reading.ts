import type { AlarmCondition, AlarmReading } from "@millrace/queue";
import { installationScope, listBudgets, mostUsed, stateOf } from "@millrace/usage";
import type { BudgetRecord, UsageSettings } from "@millrace/usage";

/** Looks for budgets that are nearly or wholly used up. */
export function budgetReading(settings: UsageSettings): AlarmReading {
  return {
    kinds: ["budget_near", "budget_exceeded"],
    find: async ({ queryable }) => {
      const budgets = await listBudgets(queryable, settings);
      return budgets.flatMap((budget) => conditionOf(budget, settings.BUDGET_WARN_PERCENT) ?? []);
    },
  };
}

function conditionOf(budget: BudgetRecord, warnPercent: number): AlarmCondition | undefined {
  const state = stateOf(budget, warnPercent);
  if (state === "ok") return undefined;
  const { measure, share } = mostUsed(budget);
  const subject = budget.scope === installationScope ? "installation" : budget.scope;
  const percent = Math.floor(share * 100);
  const details = { measure, percent, limits: budget.limits, used: budget.used, reserved: budget.reserved };
  if (state === "exceeded") {
    const message = `The budget of ${subject} refuses model calls: ${percent} % of its ${measure} is used. What needs them waits for the next period, or for a larger budget.`;
    return { kind: "budget_exceeded", subject, message, details };
  }
  const message = `${percent} % of the ${measure} of ${subject} is used; the threshold is ${warnPercent} %.`;
  return { kind: "budget_near", subject, message, details: { ...details, threshold: warnPercent } };
}
