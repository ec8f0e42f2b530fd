import type { Citation } from "@millrace/contracts";
import type { Database } from "@millrace/database";
import { findPlaces } from "@millrace/search";
import type { AskLibrary } from "../ask-library.ts";
import type { ReadPassage } from "../retrieval/retrieve.ts";

/**
 * Citations with page and section of their quotes: a passage may go over pages and headings, and says where it begins.
 * One of a passage that is not among these is left as it is.
 */
export async function placeCitations(
  parts: { readonly database: Pick<Database, "queryable"> } & Pick<AskLibrary, "findPages">,
  request: {
    readonly workspaceId: string;
    readonly citations: readonly Citation[];
    readonly passages: readonly ReadPassage[];
  },
): Promise<Citation[]> {
  const { workspaceId, citations, passages } = request;
  const passagesById = new Map(passages.map((passage) => [passage.chunkId, passage]));
  const quoted = citations.flatMap((citation) => {
    const passage = passagesById.get(citation.chunk_id);
    if (passage === undefined) return [];
    const { documentId: sourceId, charStart } = passage;
    return [{ citation, place: { ...passage, sourceId, at: citation.char_start - charStart } }];
  });
  const places = await findPlaces(
    parts.database.queryable,
    { workspaceId, findPages: parts.findPages },
    quoted.map(({ place }) => place),
  );
  const placesByCitation = new Map(quoted.map(({ citation }, index) => [citation, places[index]]));
  return citations.map((citation) => ({ ...citation, ...placesByCitation.get(citation) }));
}
