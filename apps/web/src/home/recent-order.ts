import type { Document } from "@millrace/contracts";
import { isSettled } from "../documents/statuses.ts";

/** Each document once: running work first, then by age, newest first, at most `limit`. */
export function recentOf(documents: readonly Document[], limit: number): Document[] {
  const byId = new Map(documents.map((document) => [document.id, document]));
  return [...byId.values()]
    .toSorted(
      (first, second) =>
        Number(isSettled(first)) - Number(isSettled(second)) ||
        Date.parse(second.created_at) - Date.parse(first.created_at),
    )
    .slice(0, limit);
}
