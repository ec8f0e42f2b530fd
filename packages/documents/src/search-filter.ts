import type { FileType, sentimentLabels } from "@millrace/contracts";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { hasTag, isInCollection } from "./organise/index.ts";
import { escapeLike } from "./read-documents.ts";

/** Which documents a search looks in: those for which all of it is so. */
export type SearchFilter = {
  /** Each is a part of the title, any case. */
  readonly titles: readonly string[];
  readonly fileTypes: readonly FileType[];
  /** ISO 639-1. */
  readonly languages: readonly string[];
  readonly tags: readonly string[];
  /** Ids or names. */
  readonly collections: readonly string[];
  readonly sentiments: readonly (typeof sentimentLabels)[number][];
  /** Moments; not earlier than any of them. */
  readonly createdAfter: readonly string[];
  /** Moments; earlier than all of them. */
  readonly createdBefore: readonly string[];
};

/** A query that gives the ids of the documents a filter lets through; undefined when it lets all through. */
export function documentsToSearch(
  workspaceId: string,
  filter: SearchFilter,
): RawBuilder<unknown> | undefined {
  const conditions = [
    ...filter.titles.map((title) => sql`title ILIKE ${`%${escapeLike(title)}%`}`),
    ...filter.fileTypes.map((type) => sql`file_type = ${type}`),
    ...filter.languages.map((language) => sql`language = ${language}`),
    ...filter.tags.map(hasTag),
    ...filter.collections.map((reference) => isInCollection(workspaceId, reference)),
    ...filter.createdAfter.map((moment) => sql`created_at >= ${moment}::timestamptz`),
    ...filter.createdBefore.map((moment) => sql`created_at < ${moment}::timestamptz`),
    ...filter.sentiments.map(
      (label) => sql`EXISTS (
        SELECT 1 FROM document_part
        WHERE document_id = document.id AND part = 'sentiment' AND result ->> 'label' = ${label})`,
    ),
  ];
  if (conditions.length === 0) return undefined;
  return sql`SELECT document.id FROM document WHERE workspace_id = ${workspaceId} AND ${sql.join(conditions, sql` AND `)}`;
}
