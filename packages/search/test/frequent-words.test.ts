import type { Database } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addChunks, beginSource, chunkText, parseQuery, searchPassages } from "../src/index.ts";

describe.each(testDatabases())("words that many passages hold, on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;
  const owner = newId();

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
    const { queryable } = database;
    await sql`INSERT INTO workspace (id, name) VALUES (${owner}, ${owner})`.execute(queryable);
    const sourceId = newId();
    const ids = Array.from({ length: 3000 }, () => newId());
    await sql`
      INSERT INTO search_source (id, workspace_id, configuration, chunk_count)
      VALUES (${sourceId}, ${owner}, 'simple', 3000)`.execute(queryable);
    // Every tenth holds "sluice", the 5th, 505th, … "weir"; each has its own number, and all hold "mill".
    await sql`
      INSERT INTO chunk (id, workspace_id, source_id, ordinal, char_start, char_end, text, token_count, content_hash, words)
      SELECT id, ${owner}, ${sourceId}, at, 0, 4, text, 1, '', to_tsvector('simple', text)
      FROM (SELECT id, at, concat_ws(' ', 'mill', 'n' || at, CASE WHEN at % 10 = 0 THEN 'sluice' END,
                                 CASE WHEN at % 500 = 5 THEN 'weir' END) AS text
            FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS numbered (id, at)) AS written`.execute(queryable);
  });
  afterAll(() => opened.close());

  async function find(query: string) {
    const request = { workspaceId: owner, query: parseQuery(query), vector: undefined, asked: query };
    const ids: string[] = [];
    const texts: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await searchPassages(database, { ...request, limit: 50, cursor });
      ids.push(...page.hits.map((hit) => hit.chunkId));
      texts.push(...page.hits.map((hit) => hit.passage.map(({ text }) => text).join("")));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return { ids, texts };
  }

  it("finds as many as wanted where all that is asked for is in every passage", async () => {
    const { ids } = await find("mill");

    expect(new Set(ids).size).toBe(100);
    expect((await find("mill")).ids).toEqual(ids);
  });

  it("leads with what holds the rarer words, and fills up with the rest", async () => {
    const { texts } = await find("the mill and its weir");

    expect(texts).toHaveLength(100);
    expect(texts.slice(0, 6).every((text) => text.includes("weir"))).toBe(true);
    expect(texts.slice(6).some((text) => text.includes("weir"))).toBe(false);
  });

  it("leaves out what holds only the frequent word while the rarer one finds enough", async () => {
    const { texts } = await find("mill sluice");

    expect(texts).toHaveLength(100);
    expect(texts.every((text) => text.includes("sluice"))).toBe(true);
  });

  it("finds the only passage with a word beside words that all hold", async () => {
    expect((await find("mill n1234")).texts[0]).toContain("n1234");
  });

  it("requires phrases and leaves out what is excluded", async () => {
    const { texts } = await find('"mill n7" n8');
    const others = await find("mill weir -n5 -n505");

    expect(texts).toEqual(["mill n7"]);
    expect(others.texts.filter((text) => text.includes("weir"))).toHaveLength(4);
    expect(others.texts.some((text) => /\bn5(05)?\b/.test(text))).toBe(false);
  });

  it("says how many of the words are in a passage, also of those that were not looked for", async () => {
    const page = await searchPassages(database, {
      ...{ workspaceId: owner, query: parseQuery("mill sluice absent"), vector: undefined, asked: "" },
      limit: 1,
    });

    expect(page.hits[0]?.text?.coverage).toBeCloseTo(2 / 3);
  });

  it("finds the same once it is known which words most passages hold, and that others hold most", async () => {
    const small = newId();
    const source = { id: newId(), workspaceId: small, language: "en", chunkCount: 1 };
    await sql`INSERT INTO workspace (id, name) VALUES (${small}, ${small})`.execute(database.queryable);
    const chunks = await chunkText("The mill stands by the weir.", []);
    await database.transaction(async (transaction) => {
      await beginSource(transaction, source);
      await addChunks(transaction, source, chunks);
    });
    const ask = async (query: string) => {
      const request = {
        workspaceId: small,
        query: parseQuery(query),
        vector: undefined,
        asked: query,
        limit: 10,
      };
      return (await searchPassages(database, request)).hits;
    };
    const queries = ["mill", "mills weir", '"by the weir"', "mill -weir", "sluice"];

    // Of six words and more, some are more frequent by far.
    const queriesOfMany = ["mill sluice n1 n2 n3 n4", "mill weir n1 n2 n3 n4", '"mill n7" n1 n2 n3 n4'];
    const askAll = () => Promise.all([...queries.map(ask), ...queriesOfMany.map(find)]);

    const before = await askAll();
    await sql`ANALYZE chunk`.execute(database.queryable);
    const after = await askAll();

    expect(before.map((found) => ("ids" in found ? found.ids : found).length)).toEqual([
      1, 1, 1, 0, 0, 100, 100, 1,
    ]);
    expect(after).toEqual(before);
  });

  it("leaves no setting behind on a connection that others use", async () => {
    await find("mill");

    const left = await sql<{ setting: string }>`
      SELECT current_setting('enable_seqscan') AS setting`.execute(database.queryable);
    expect(left.rows[0]?.setting).toBe("on");
  });
});
