import { readPassages, retrievePassages } from "@millrace/ask";
import { calculator, documentTools, fetchUrlTool } from "@millrace/crews";
import type { DocumentLibrary, FetchText, Tool } from "@millrace/crews";
import type { Database } from "@millrace/database";
import { documentsToSearch, readTextPiece } from "@millrace/documents";
import type { Extractor } from "@millrace/extract";
import type { Models } from "@millrace/models";
import { SafeFetch } from "@millrace/outbound";
import { parseQuery } from "@millrace/search";
import { z } from "zod";
import { askLibrary } from "../search/ask-library.ts";
import { toSearchFilter } from "../search/search-filters.ts";

export type ToolParts = {
  readonly database: Database;
  readonly extractor: Extractor;
  readonly models: Pick<Models, "embed" | "embedding">;
  /** Hosts of an own network that may be fetched from. */
  readonly allowedHosts: readonly string[];
};

/** The tools that come with the product, by their names. */
export function shippedTools(parts: ToolParts): Readonly<Record<string, Tool>> {
  const { search, read } = documentTools(documentLibrary(parts));
  const tools = [search, read, fetchUrlTool(fetchText(parts)), calculator];
  return Object.fromEntries(tools.map((tool) => [tool.name, tool]));
}

/** Characters of one part of a document: what a tool may give, with room for what stands around it. */
const partLength = 15_000;

/** The documents of the job's owner. A job without one has none. */
function documentLibrary({ database, models }: Pick<ToolParts, "database" | "models">): DocumentLibrary {
  const { queryable } = database;
  const library = askLibrary(database);
  return {
    search: async (query, limit, { owner, job, step, signal, noteUse }) => {
      if (!isId(owner)) return [];
      const asked = parseQuery(query);
      const { passages, embedding } = await retrievePassages(
        { database, models },
        {
          ...{ workspaceId: owner, query: asked, limit, signal },
          sources: documentsToSearch(owner, toSearchFilter({}, asked.fields)),
          purpose: "crew.search",
          origin: { owner, job, step },
        },
      );
      if (embedding !== undefined) {
        const { model, usage, cost } = embedding;
        noteUse({ ...usage, model, cost });
      }
      const read = await readPassages({ ...library, database }, owner, passages);
      return read.map(({ documentId, title, text, page }) => ({ documentId, title, text, page }));
    },
    read: async (id, offset, { owner }) => {
      if (!isId(owner) || !isId(id)) return undefined;
      const title = (await library.findTitles(owner, [id])).get(id);
      if (title === undefined) return undefined;
      const { text, totalLength } = await readTextPiece(queryable, id, { offset, limit: partLength });
      const end = offset + text.length;
      return { title, text, nextOffset: text !== "" && end < totalLength ? end : null };
    },
  };
}

function isId(value: string | null): value is string {
  return z.uuid().safeParse(value).success;
}

/** Fetches a page, safe against addresses of the own network, and reads HTML as its text. */
function fetchText({ extractor, allowedHosts }: ToolParts): FetchText {
  const outbound = new SafeFetch({ allowedHosts });
  return async (url, { signal }) => {
    const page = await outbound.fetch(url, { signal });
    const told = { url: page.url, status: page.status, contentType: page.contentType };
    if (page.contentType !== "text/html" && page.contentType !== "application/xhtml+xml")
      return { ...told, text: page.text() };
    const { text } = await extractor.extractContent(page.text(), {
      fileName: "page.html",
      declaredType: "html",
      signal,
    });
    return { ...told, text };
  };
}
