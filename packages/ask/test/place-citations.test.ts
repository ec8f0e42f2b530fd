import { localAccess, newId } from "@millrace/kernel";
import { addChunks, beginSource, chunkText } from "@millrace/search";
import type { FindPages, PageRange } from "@millrace/search";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkCitations } from "../src/citations/check-citations.ts";
import { placeCitations } from "../src/citations/place-citations.ts";
import { readPassages } from "../src/index.ts";

const { workspaceId } = localAccess;

describe.each(testDatabases())("the place of a citation, on $name", (kind) => {
  let opened: TestDatabase;
  beforeAll(async () => {
    opened = await kind.open();
  });
  afterAll(() => opened.close());

  /** The citations of these quotes, of a text that is one passage. */
  async function cite(text: string, quotes: readonly string[], pages: readonly PageRange[] = []) {
    const { database } = opened;
    const chunks = await chunkText(text, pages);
    const source = { id: newId(), workspaceId, language: "en", chunkCount: chunks.length };
    await database.transaction(async (transaction) => {
      await beginSource(transaction, source);
      await addChunks(transaction, source, chunks);
    });
    const stored = await sql<{ chunkId: string }>`
      SELECT id AS "chunkId" FROM chunk WHERE source_id = ${source.id}`.execute(database.queryable);
    const found = stored.rows.map(({ chunkId }) => ({ chunkId, documentId: source.id, excerpt: "" }));
    const findTitles = async () => new Map([[source.id, "A text"]]);
    const passages = await readPassages({ database, findTitles }, workspaceId, found);
    const given = quotes.map((quote) => ({ passage: 1, quote }));
    const { citations } = checkCitations("", given, passages);
    const findPages: FindPages = async (_workspace, places) =>
      places.map(({ offset }) => pages.find(({ charEnd }) => offset < charEnd)?.page ?? null);
    return {
      passages,
      citations: await placeCitations({ database, findPages }, { workspaceId, citations, passages }),
    };
  }

  it("is the page on which the quote begins, of a passage that goes over pages", async () => {
    const first = "The mill was built in 1742.";
    const text = `${first}\n\nThe miller has a dog that barks.`;

    const { passages, citations } = await cite(
      text,
      ["mill was built in 1742", "miller has a dog", "built in 1742. The miller"],
      [
        { page: 1, charStart: 0, charEnd: first.length },
        { page: 2, charStart: first.length + 2, charEnd: text.length },
      ],
    );

    expect(passages).toHaveLength(1);
    expect(citations.map(({ page, quote }) => [page, quote])).toEqual([
      [1, "mill was built in 1742"],
      [1, "built in 1742.\n\nThe miller"],
      [2, "miller has a dog"],
    ]);
  });

  it("is the section in which the quote stands, of a passage with headings", async () => {
    const { passages, citations } = await cite(
      "# The mill\n\nIt was built in 1742.\n\n## The dog\n\nIt barks at night.",
      ["It was built in 1742", "barks at night"],
    );

    expect(passages).toMatchObject([{ section: "The mill" }]);
    expect(citations.map(({ section, page }) => [section, page])).toEqual([
      ["The mill", null],
      ["The mill › The dog", null],
    ]);
  });
});
