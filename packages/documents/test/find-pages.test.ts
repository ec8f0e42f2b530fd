import { localAccess, newId } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findPages } from "../src/index.ts";
import { insertDocuments } from "./insert-documents.ts";

describe.each(testDatabases())("pages at offsets of texts, on $name", (kind) => {
  let opened: TestDatabase;
  beforeAll(async () => {
    opened = await kind.open();
  });
  afterAll(() => opened.close());

  it("are told for each place, and to nobody else", async () => {
    const { queryable } = opened.database;
    const documents = { count: 2, title: "Mill", text: "one\n\ntwo" };
    const [paged = "", plain = ""] = await insertDocuments(queryable, localAccess, documents);
    const pages = [
      { page: 1, charStart: 0, charEnd: 3 },
      // An empty one.
      { page: 2, charStart: 3, charEnd: 3 },
      { page: 3, charStart: 5, charEnd: 8 },
    ];
    await sql`UPDATE document_text SET pages = ${JSON.stringify(pages)}::jsonb WHERE document_id = ${paged}`.execute(
      queryable,
    );
    const places = [
      { sourceId: paged, offset: 5 },
      { sourceId: plain, offset: 0 },
      { sourceId: paged, offset: 2 },
      { sourceId: newId(), offset: 2 },
      { sourceId: paged, offset: 8 },
    ];

    expect(await findPages(queryable, localAccess.workspaceId, places)).toEqual([3, null, 1, null, null]);
    expect(await findPages(queryable, newId(), places)).toEqual([null, null, null, null, null]);
  });
});
