import { foldName } from "@millrace/contracts";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";

/** That a row of `document` has a tag, as `tagSchema` reads it. */
export function hasTag(tag: string): RawBuilder<unknown> {
  return sql`EXISTS (SELECT 1 FROM document_tag WHERE document_id = document.id AND tag = ${tag})`;
}

/** That a row of `document` is in the collection that this names. */
export function isInCollection(workspaceId: string, reference: string): RawBuilder<unknown> {
  return sql`document.id IN (
    SELECT document_id FROM document_collection JOIN collection ON collection.id = collection_id
    WHERE ${isCollection(workspaceId, reference)})`;
}

/** That a row of `collection` is the one that is named, by its id or its name. */
export function isCollection(workspaceId: string, reference: string): RawBuilder<unknown> {
  return sql`(collection.workspace_id = ${workspaceId}
    AND (collection.name_key = ${foldName(reference)} OR collection.id::text = ${reference.toLowerCase()}))`;
}
