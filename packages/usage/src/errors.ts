import { MillraceError } from "@millrace/kernel";
import type { BudgetScope, Measure } from "./budgets/budget.ts";
import { installationScope } from "./budgets/budget.ts";

const periods: Readonly<Record<Measure, string>> = {
  day_dollars: "today",
  day_tokens: "today",
  month_dollars: "this month",
  month_tokens: "this month",
};

/** So soon a budget that was raised is noticed by the jobs that wait for it. */
const mostPutOffSeconds = 900;

/** The call was not made. `retryAfterSeconds` is the end of the period; a budget that is raised helps sooner. */
export function budgetExceeded(broken: {
  readonly scope: BudgetScope;
  readonly measure: Measure;
  readonly allowed: number;
  readonly used: number;
  readonly wanted: number | null;
  readonly retryAfterSeconds: number;
}): MillraceError {
  const { scope, measure, allowed, used, wanted, retryAfterSeconds } = broken;
  const whose = scope === installationScope ? "of the installation" : "of this owner";
  const unit = measure.endsWith("dollars") ? "US dollars" : "tokens";
  const next = wanted === null ? "" : `, and the next call may take ${wanted}`;
  return new MillraceError({
    code: "budget_exceeded",
    kind: "limited",
    retryable: true,
    retryAfterSeconds,
    putOffSeconds: Math.min(retryAfterSeconds, mostPutOffSeconds),
    message: `The budget ${whose} ${periods[measure]} is used up: ${used} of ${allowed} ${unit}${next}. Wait for the next period, or raise it: millrace budgets set --help.`,
    details: { scope, measure, allowed, used, wanted },
  });
}

export function budgetNotFound(scope: string): MillraceError {
  return new MillraceError({
    code: "budget_not_found",
    kind: "not_found",
    message: "Nobody has set a budget for this owner: the one of the settings holds.",
    details: { scope },
  });
}
