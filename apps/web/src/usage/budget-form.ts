import type { BudgetLimits } from "./usage-requests.ts";

export const installationScope = "installation";

export const budgetLimitNames = ["day_dollars", "month_dollars", "day_tokens", "month_tokens"] as const;
export type BudgetLimitName = (typeof budgetLimitNames)[number];

export const budgetLimitLabels: Readonly<Record<BudgetLimitName, string>> = {
  day_dollars: "US dollars a day",
  month_dollars: "US dollars a month",
  day_tokens: "Tokens a day",
  month_tokens: "Tokens a month",
};

/** The limits as typed: empty is no limit. */
export type BudgetForm = Readonly<Record<BudgetLimitName, string>>;

export function formOf(limits: BudgetLimits | undefined): BudgetForm {
  const text = (name: BudgetLimitName) => {
    const limit = limits?.[name] ?? null;
    return limit === null ? "" : String(limit);
  };
  return {
    day_dollars: text("day_dollars"),
    month_dollars: text("month_dollars"),
    day_tokens: text("day_tokens"),
    month_tokens: text("month_tokens"),
  };
}

export type ReadLimits =
  | { readonly limits: BudgetLimits }
  | { readonly errors: Readonly<Partial<Record<BudgetLimitName, string>>> };

/** The limits to send, or what is wrong with which. What is too much, the server says. */
export function readLimits(form: BudgetForm): ReadLimits {
  const limits = { day_dollars: null, month_dollars: null, day_tokens: null, month_tokens: null } as Record<
    BudgetLimitName,
    number | null
  >;
  const errors: Partial<Record<BudgetLimitName, string>> = {};
  for (const name of budgetLimitNames) {
    const text = form[name].trim();
    if (text === "") continue;
    const value = Number(text);
    if (!Number.isFinite(value) || value < 0) errors[name] = "This is no number from 0 on.";
    else if (name.endsWith("tokens") && !Number.isInteger(value)) errors[name] = "Tokens are whole numbers.";
    else limits[name] = value;
  }
  if (Object.keys(errors).length === 0 && Object.values(limits).every((limit) => limit === null))
    errors.day_dollars = "Give a limit, here or below. To let the settings hold, remove the budget.";
  return Object.keys(errors).length > 0 ? { errors } : { limits };
}
