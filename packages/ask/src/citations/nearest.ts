import type { NearestPassage } from "@millrace/contracts";
import type { ReadPassage } from "../retrieval/retrieve.ts";

/** As many as a person looks through. */
const mostNearest = 5;

/** What is shown where nothing was found. */
export function nearestOf(passages: readonly ReadPassage[]): NearestPassage[] {
  return passages
    .slice(0, mostNearest)
    .map(({ documentId, title, chunkId, page, section, charStart, charEnd, excerpt }) => ({
      ...{ document_id: documentId, document_title: title, chunk_id: chunkId, page, section },
      ...{ char_start: charStart, char_end: charEnd, excerpt },
    }));
}
