import type { Queryable } from "@millrace/database";
import { sql } from "kysely";

/** A whole passage as it is stored: `text` is what stands between the offsets in the source. */
export type PassageText = {
  readonly chunkId: string;
  readonly sourceId: string;
  /** In UTF-16 units, as JavaScript counts. */
  readonly charStart: number;
  readonly charEnd: number;
  readonly page: number | null;
  /** The headings above it; null where there is none. */
  readonly section: string | null;
  readonly text: string;
};

/** These passages of a workspace by their ids; those that are gone, and those of others, are left out. */
export async function readPassageTexts(
  queryable: Queryable,
  workspaceId: string,
  ids: readonly string[],
): Promise<Map<string, PassageText>> {
  const found = await sql<PassageText>`
    SELECT id AS "chunkId", source_id AS "sourceId", char_start AS "charStart", char_end AS "charEnd", page, section, text
    FROM chunk WHERE workspace_id = ${workspaceId} AND id = ANY(${[...ids]}::uuid[])`.execute(queryable);
  return new Map(found.rows.map((passage) => [passage.chunkId, passage]));
}
