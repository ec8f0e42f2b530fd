import type { AskLibrary } from "@millrace/ask";
import type { QueryAccess } from "@millrace/database";
import { documentsToSearch, findPages, findTitles } from "@millrace/documents";
import { toSearchFilter } from "./search-filters.ts";

/** What asking needs of the documents. */
export function askLibrary({ queryable }: Pick<QueryAccess, "queryable">): AskLibrary {
  return {
    findTitles: (workspaceId, ids) => findTitles(queryable, workspaceId, ids),
    findPages: (workspaceId, places) => findPages(queryable, workspaceId, places),
    sourcesFor: (workspaceId, filters) => documentsToSearch(workspaceId, toSearchFilter(filters, [])),
  };
}
