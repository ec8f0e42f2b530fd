import type { Database } from "@millrace/database";
import { localAccess, newId } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  addChunks,
  beginSource,
  chunkText,
  chunksWithoutEmbedding,
  parseQuery,
  removeSource,
  searchPassages,
  storeEmbeddings,
} from "../src/index.ts";

const { workspaceId } = localAccess;
describe.each(testDatabases())("on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());

  async function index(text: string, language: string | null): Promise<string> {
    const chunks = await chunkText(text, []);
    const source = { id: newId(), workspaceId, language, chunkCount: chunks.length };
    await database.transaction(async (transaction) => {
      await beginSource(transaction, source);
      await addChunks(transaction, source, chunks);
    });
    return source.id;
  }

  const find = async (query: string, owner: string) => {
    const asked = {
      workspaceId: owner,
      query: parseQuery(query),
      vector: undefined,
      limit: 10,
      asked: query,
    };
    return (await searchPassages(database, asked)).hits;
  };
  const search = (query: string) => find(query, workspaceId);

  describe("searchPassages with full text alone", () => {
    it("finds a passage by any of the words, in any of their forms", async () => {
      const id = await index("Gross margins fell because freight became dearer.", "en");

      const hits = await search("why did the margin fall in Antarctica?");

      expect(hits[0]?.sourceId).toBe(id);
      expect(hits[0]?.passage).toContainEqual({ text: "margins", match: true });
    });

    it("puts a passage with all the words before one with some", async () => {
      const some = await index("The turbine was sold.", "en");
      const all = await index("The blue turbine stands in the harbour of Lübeck.", "en");

      const hits = await search("blue turbine harbour");

      expect(hits.map((hit) => hit.sourceId)).toEqual([all, some]);
    });

    it("finds words that are too common to be looked for, when nothing else is asked for", async () => {
      const id = await index("To be, or not to be, that is the question.", "en");
      const other = await index("It was not to be the end of it.", "en");

      const words = await search("to be or not to be");
      const phrase = await search('"to be or not to be"');
      const without = await search('"not to be" -"that is the"');

      expect(words[0]?.sourceId).toBe(id);
      expect(words[0]?.passage).toContainEqual({ text: "not", match: true });
      expect(phrase.map(({ sourceId }) => sourceId)).toEqual([id]);
      expect(without.map(({ sourceId }) => sourceId)).toEqual([other]);
    });

    it("stems by the language of the document", async () => {
      const id = await index("Die Mühlen am Bach mahlen das Korn der Bauern.", "de");

      expect((await search("Mühle"))[0]?.sourceId).toBe(id);
    });

    it("finds words of a script without spaces and marks them", async () => {
      const id = await index("我在北京大学读书。图书馆很大。", null);

      const hits = await search("图书馆");

      expect(hits[0]?.sourceId).toBe(id);
      expect(hits[0]?.passage.some((run) => run.match && run.text.includes("图书"))).toBe(true);
    });

    it.each(["???", "the of and", "' OR 1=1 --", "\\", "a & | ! (", "<b>"])(
      "answers %j without an error",
      async (query) => {
        await expect(search(query)).resolves.toBeInstanceOf(Array);
      },
    );

    it("never shows another workspace's passages", async () => {
      await index("Zanzibar exports cloves.", "en");

      const hits = await find("cloves", newId());

      expect(hits).toEqual([]);
    });

    it("forgets a source that was removed", async () => {
      const id = await index("Quokkas smile on Rottnest.", "en");

      await database.transaction((transaction) => removeSource(transaction, id));

      expect(await search("quokkas")).toEqual([]);
    });
  });

  describe("a language that the database does not know", () => {
    it("is indexed as written and leaves the rest of the workspace searchable", async () => {
      const known = await sql`SELECT 1 FROM pg_ts_config WHERE cfgname = 'estonian'`.execute(
        database.queryable,
      );
      const id = await index("Vesiveskid jahvatasid vilja jõe ääres.", "et");

      expect((await search("jahvatasid"))[0]?.sourceId).toBe(id);
      const stored = await sql<{ configuration: string }>`
      SELECT configuration FROM search_source WHERE id = ${id}`.execute(database.queryable);
      expect(stored.rows[0]?.configuration).toBe(known.rows.length > 0 ? "estonian" : "simple");
    });
  });

  describe("embeddings", () => {
    it("keeps one vector per passage and model", async () => {
      const id = await index("A passage to embed.", "en");
      const [chunk] = await chunksWithoutEmbedding(database.queryable, id, { model: "tests:flat-3" }, 10);

      const store = () =>
        database.transaction((transaction) =>
          storeEmbeddings(transaction, { model: "tests:flat-3", dimensions: 3 }, [
            { chunkId: chunk?.id ?? "", vector: [0.1, 0.2, 0.3] },
          ]),
        );
      await store();
      await store();

      expect(await chunksWithoutEmbedding(database.queryable, id, { model: "tests:flat-3" }, 10)).toEqual([]);
      expect(await chunksWithoutEmbedding(database.queryable, id, { model: "tests:other" }, 10)).toHaveLength(
        1,
      );
    });
  });
});
