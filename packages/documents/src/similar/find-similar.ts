import type { SimilarDocuments } from "@millrace/contracts";
import type { Queryable } from "@millrace/database";
import type { Access } from "@millrace/kernel";
import { findSimilarSources } from "@millrace/search";
import { listDocuments } from "../read-documents.ts";

export type SimilarOptions = {
  readonly limit: number;
  /** Documents that are less alike are left out. Default: what means something with the model. */
  readonly leastScore?: number | undefined;
};

/** Enough of a passage to see why. */
const shownLength = 400;

/** Documents of the same workspace whose vectors are near those of this one, nearest first: all are compared. */
export async function findSimilar(
  queryable: Queryable,
  access: Access,
  of: SimilarOptions & { readonly id: string },
): Promise<SimilarDocuments> {
  const { workspaceId } = access;
  const { model, reason, found } = await findSimilarSources(queryable, {
    workspaceId,
    sourceId: of.id,
    leastSimilarity: of.leastScore,
    limit: of.limit,
  });
  const ids = found.map(({ sourceId }) => sourceId);
  const rows = await listDocuments(queryable, workspaceId, { ids, limit: ids.length });
  const byId = new Map(rows.map((row) => [row.id, row]));
  return {
    model,
    reason,
    // One that was deleted, or thrown away, in this moment is left out.
    data: found.flatMap(({ sourceId, similarity, passage }) => {
      const row = byId.get(sourceId);
      if (row === undefined) return [];
      const { charStart, charEnd, page, section, text } = passage;
      return {
        document_id: sourceId,
        title: row.title,
        file_type: row.file_type,
        score: Math.min(1, similarity),
        passage: {
          char_start: charStart,
          char_end: charEnd,
          page,
          section,
          text: text.slice(0, shownLength).toWellFormed(),
        },
      };
    }),
  };
}
