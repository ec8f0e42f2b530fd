import type { CallOutcome } from "./usage-requests.ts";

const labels: Readonly<Record<CallOutcome, string>> = {
  answered: "Answered",
  cached: "Stored answer",
  shared: "Shared answer",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** For a filter, in the order in which people look for them. */
export const outcomeLabels = Object.entries(labels).map(([value, label]) => ({ value, label }));

export function labelOfOutcome(outcome: CallOutcome): string {
  return labels[outcome];
}

export function readOutcome(value: unknown): CallOutcome | undefined {
  return typeof value === "string" && Object.hasOwn(labels, value) ? (value as CallOutcome) : undefined;
}
