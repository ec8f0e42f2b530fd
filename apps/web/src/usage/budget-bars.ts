import type { Budget } from "@millrace/contracts";
import { formatDollars } from "../formatting/money.ts";
import { formatCount } from "../formatting/numbers.ts";
import { budgetLimitLabels, budgetLimitNames } from "./budget-form.ts";
import type { BudgetLimitName } from "./budget-form.ts";

/** One limit of a budget as a bar. */
export type BudgetBar = {
  readonly name: BudgetLimitName;
  readonly label: string;
  /** Of the limit, with what is set aside for calls under way; at most 100. */
  readonly percent: number;
  readonly tone: "ok" | "near" | "exceeded";
  readonly words: string;
};

/** Each limit that is set. Only the one that is nearest shows the budget's state: the others have room. */
export function barsOf(budget: Budget): BudgetBar[] {
  const bars = budgetLimitNames.flatMap((name) => {
    const limit = budget.limits[name];
    return limit === null ? [] : [{ name, limit, ...usedOf(budget, name) }];
  });
  const shares = bars.map(({ used, reserved, limit }) => shareOf(used + reserved, limit));
  const most = Math.max(...shares);
  return bars.map(({ name, limit, used, reserved, shown }, index) => {
    const share = shares[index] ?? 0;
    const aside = reserved === 0 ? "" : ` (${shown(reserved)} set aside for calls under way)`;
    return {
      name,
      label: budgetLimitLabels[name],
      percent: Math.min(100, share * 100),
      tone: share >= 1 ? "exceeded" : share === most ? budget.state : "ok",
      words: `${shown(used)} of ${shown(limit)}${aside}`,
    };
  });
}

function usedOf({ used, reserved }: Budget, name: BudgetLimitName) {
  return name.endsWith("dollars")
    ? { used: used[name], reserved: reserved.dollars, shown: formatDollars }
    : { used: used[name], reserved: reserved.tokens, shown: formatCount };
}

/** A limit of 0 is used up from the start. */
function shareOf(used: number, limit: number): number {
  return limit === 0 ? 1 : used / limit;
}
