import type { PartName, PartState } from "@millrace/contracts";

/** The four analyses in the order they are shown. */
export const partNames = [
  "summary",
  "key_points",
  "sentiment",
  "topics",
] as const satisfies readonly PartName[];

export const partLabels: Record<PartName, string> = {
  summary: "Summary",
  key_points: "Key points",
  sentiment: "Sentiment",
  topics: "Topics",
};

export const partStateLabels: Record<PartState, string> = {
  pending: "waiting",
  running: "running",
  done: "done",
  failed: "failed",
  unavailable: "not available",
};
