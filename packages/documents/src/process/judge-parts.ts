import type { DocumentStatus, PartState } from "@millrace/contracts";

/** Whether nothing more can be had of a part. */
export function isMade(state: PartState): boolean {
  return state === "done" || state === "unavailable";
}

/** How a document ends whose parts are so. */
export function judgeParts(
  parts: readonly { readonly state: PartState }[],
): Extract<DocumentStatus, "completed" | "partial" | "failed"> {
  if (parts.every(({ state }) => isMade(state))) return "completed";
  return parts.some(({ state }) => state === "done") ? "partial" : "failed";
}
