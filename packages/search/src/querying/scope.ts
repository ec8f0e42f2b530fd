import { sql } from "kysely";
import type { RawBuilder } from "kysely";

/** Where a search looks. */
export type SearchScope = {
  readonly workspaceId: string;
  /** A query that gives the ids of the sources that may be found. Default all of the workspace. */
  readonly sources?: RawBuilder<unknown> | undefined;
  /** Passages that were made later are left out: further pages show what the first one was taken from. */
  readonly newest?: string | undefined;
};

/** That a source is not hidden. A set that is read once: the plan of an approximate index must not become a join. */
export function isShown(workspaceId: string, source: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`${source} NOT IN (
    SELECT id FROM search_source AS hidden WHERE workspace_id = ${workspaceId} AND hidden_at IS NOT NULL)`;
}

/** The scope, without hidden sources, as conditions on columns that hold the ids of a source and of a passage. */
export function sourceCondition(
  scope: SearchScope,
  columns: { readonly source: RawBuilder<unknown>; readonly chunk: RawBuilder<unknown> },
): RawBuilder<unknown>[] {
  const { sources, newest } = scope;
  return [
    isShown(scope.workspaceId, columns.source),
    ...(sources === undefined ? [] : [sql`${columns.source} IN (${sources})`]),
    ...(newest === undefined ? [] : [sql`${columns.chunk} <= ${newest}::uuid`]),
  ];
}
