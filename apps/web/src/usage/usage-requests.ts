import type { Budget, ModelCall, Page, Usage } from "@millrace/contracts";
import { callApi } from "../api/client.ts";

export type CallOutcome = ModelCall["outcome"];

export type BudgetLimits = Budget["limits"];

export type CallFilters = {
  readonly model?: string | undefined;
  readonly outcome?: CallOutcome | undefined;
};

/** `by`: day, model, purpose, or several of them with commas between. */
export function fetchUsage(by: string, from: string, signal?: AbortSignal): Promise<Usage> {
  return callApi("/usage", { query: { by, from }, signal });
}

export function listModelCalls(
  options: CallFilters & { from: string; limit: number; cursor?: string | undefined },
  signal?: AbortSignal,
): Promise<Page<ModelCall>> {
  return callApi("/usage/calls", { query: options, signal });
}

export function listBudgets(signal?: AbortSignal): Promise<Page<Budget>> {
  return callApi("/budgets", { signal });
}

export function setBudget(scope: string, limits: BudgetLimits): Promise<Budget> {
  return callApi(budgetPath(scope), { method: "PUT", json: limits });
}

export function removeBudget(scope: string): Promise<void> {
  return callApi(budgetPath(scope), { method: "DELETE" });
}

function budgetPath(scope: string): string {
  return `/budgets/${encodeURIComponent(scope)}`;
}
