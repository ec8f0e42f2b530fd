import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { calculator, documentTools, fetchUrlTool } from "@millrace/crews";
import type { DocumentLibrary, FetchText, Tool } from "@millrace/crews";
import type { Database } from "@millrace/database";
import { findTitles, readTextPiece } from "@millrace/documents";
import type { Extractor } from "@millrace/extract";
import { SafeFetch } from "@millrace/outbound";
import { parseQuery, searchPassages } from "@millrace/search";
import { z } from "zod";

export type ToolParts = {
  readonly database: Database;
  readonly extractor: Extractor;
  /** Of this machine, where files may stand for a moment. */
  readonly tempDirectory: string;
  /** Hosts of an own network that may be fetched from. */
  readonly allowedHosts: readonly string[];
};

/** The tools that come with the product, by their names. */
export function shippedTools(parts: ToolParts): Readonly<Record<string, Tool>> {
  const { search, read } = documentTools(documentLibrary(parts.database));
  const tools = [search, read, fetchUrlTool(fetchText(parts)), calculator];
  return Object.fromEntries(tools.map((tool) => [tool.name, tool]));
}

/** Characters of one part of a document: what a tool may give, with room for what stands around it. */
const partLength = 15_000;

/** The documents of the job's owner. A job without one has none. */
function documentLibrary(database: Database): DocumentLibrary {
  const { queryable } = database;
  const titlesOf = (owner: string, ids: readonly string[]) => findTitles(queryable, owner, ids);
  return {
    search: async (query, limit, { owner }) => {
      if (!isId(owner)) return [];
      const asked = { workspaceId: owner, query: parseQuery(query), vector: undefined, limit, asked: query };
      const { hits } = await searchPassages(database, asked);
      const titles = await titlesOf(
        owner,
        hits.map((hit) => hit.sourceId),
      );
      const passages = hits.map(async ({ sourceId, charStart, charEnd, page }) => {
        const range = { offset: charStart, limit: charEnd - charStart };
        const { text } = await readTextPiece(queryable, sourceId, range);
        return { documentId: sourceId, title: titles.get(sourceId) ?? "", text, page };
      });
      return Promise.all(passages);
    },
    read: async (id, offset, { owner }) => {
      if (!isId(owner) || !isId(id)) return undefined;
      const title = (await titlesOf(owner, [id])).get(id);
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
function fetchText({ extractor, tempDirectory, allowedHosts }: ToolParts): FetchText {
  const outbound = new SafeFetch({ allowedHosts });
  return async (url, { signal }) => {
    const page = await outbound.fetch(url, { signal });
    const told = { url: page.url, status: page.status, contentType: page.contentType };
    if (page.contentType !== "text/html" && page.contentType !== "application/xhtml+xml")
      return { ...told, text: page.text() };
    const file = path.join(tempDirectory, `page-${randomUUID()}.html`);
    try {
      await writeFile(file, page.text());
      const { text } = await extractor.extract({
        path: file,
        fileName: "page.html",
        declaredType: "html",
        signal,
      });
      return { ...told, text };
    } finally {
      await rm(file, { force: true });
    }
  };
}
