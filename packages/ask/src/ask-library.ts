import type { CreateQuestion } from "@millrace/contracts";
import type { FindPages } from "@millrace/search";
import type { RawBuilder } from "kysely";

/** What asking needs of the documents, which it does not know. */
export type AskLibrary = {
  /** Titles of documents by their ids, for those that the workspace has. */
  readonly findTitles: (workspaceId: string, ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  /** Pages of documents at offsets of their texts. */
  readonly findPages: FindPages;
  /** A query that gives the ids of the documents that filters let through; undefined for all of the workspace. */
  readonly sourcesFor: (
    workspaceId: string,
    filters: NonNullable<CreateQuestion["filters"]>,
  ) => RawBuilder<unknown> | undefined;
};
