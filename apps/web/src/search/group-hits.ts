import type { SearchHit } from "@millrace/contracts";

/** The hits of one document, best first. */
export type HitGroup = { readonly best: SearchHit; readonly others: readonly SearchHit[] };

/** Gathers hits by document, in the order of each document's best hit. */
export function groupHits(hits: readonly SearchHit[]): HitGroup[] {
  const byDocument = Map.groupBy(hits, (hit) => hit.document_id);
  return [...byDocument.values()].flatMap(([best, ...others]) =>
    best === undefined ? [] : [{ best, others }],
  );
}
