import { describe, expect, it } from "vitest";
import { calculator } from "./calculator.ts";
import { documentTools } from "./document-tools.ts";
import type { DocumentLibrary } from "./document-tools.ts";
import { fetchUrlTool } from "./fetch-url.ts";
import type { Tool } from "./tool.ts";

const context = {
  ...{ owner: "owner-1", job: "job-1", step: "s", signal: new AbortController().signal },
  noteUse: () => undefined,
};

async function use(tool: Tool, input: unknown): Promise<unknown> {
  const accepted = tool.accept(input);
  return accepted.ok ? accepted.run(context) : `refused: ${accepted.problem}`;
}

/** Has one document, of one owner. */
const library: DocumentLibrary = {
  search: async (query, limit, { owner }) =>
    owner === "owner-1" && query === "tea"
      ? [{ documentId: "d1", title: "On tea", text: `Tea is hot. ${limit}`, page: 3 }]
      : [],
  read: async (id, offset, { owner }) =>
    owner === "owner-1" && id === "d1"
      ? { title: "On tea", text: `From ${offset}.`, nextOffset: offset === 0 ? 100 : null }
      : undefined,
};
const { search, read } = documentTools(library);

describe("calculator", () => {
  it("gives the value, or why there is none", async () => {
    expect(await use(calculator, { expression: "6 * 7" })).toBe("42");
    expect(await use(calculator, { expression: "6 / 0" })).toMatch(/^No result: /);
  });
});

describe("search_documents", () => {
  it("gives passages with their documents", async () => {
    expect(await use(search, { query: "tea" })).toBe("[1] On tea, page 3 (document d1)\nTea is hot. 5");
  });

  it("says when nothing fits", async () => {
    expect(await use(search, { query: "coffee" })).toBe("No passage fits.");
  });

  it("does not give more passages than sensible", async () => {
    expect(await use(search, { query: "tea", limit: 1000 })).toMatch(/^refused: limit/);
  });
});

describe("read_document", () => {
  it("gives a part and says where the next begins", async () => {
    expect(await use(read, { document: "d1" })).toContain(
      "From 0.\n\n[more follows: read on with offset 100]",
    );
    expect(await use(read, { document: "d1", offset: 100 })).toContain("[end]");
  });

  it("knows no document of others", async () => {
    expect(await use(read, { document: "d2" })).toMatch(/^There is no document d2/);
  });
});

describe("fetch_url", () => {
  const fetchUrl = fetchUrlTool(async (url) => ({
    url: `${url}/end`,
    status: 200,
    contentType: "text/plain",
    text: "Hello",
  }));

  it("gives the text and where it came from", async () => {
    expect(await use(fetchUrl, { url: "https://example.org" })).toBe(
      "https://example.org/end (status 200, text/plain)\n\nHello",
    );
  });

  it.each(["file:///etc/passwd", "ftp://example.org", "example.org", "javascript:alert(1)"])(
    "refuses %s",
    async (url) => {
      expect(await use(fetchUrl, { url })).toMatch(/^refused: url/);
    },
  );
});
