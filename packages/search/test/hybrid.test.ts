import type { Database } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  addChunks,
  beginSource,
  chunkText,
  parseQuery,
  searchPassages,
  storeEmbeddings,
} from "../src/index.ts";
import type { SearchRequest } from "../src/index.ts";

const model = "tests:three";

describe.each(testDatabases())("hybrid search on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());

  async function newWorkspace(): Promise<string> {
    const id = newId();
    await sql`INSERT INTO workspace (id, name) VALUES (${id}, ${id})`.execute(database.queryable);
    return id;
  }

  /** Stores a text of one passage with its vector. */
  async function index(workspaceId: string, text: string, vector: readonly number[]): Promise<string> {
    const chunks = await chunkText(text, []);
    const source = { id: newId(), workspaceId, language: "en", chunkCount: chunks.length };
    await database.transaction(async (transaction) => {
      await beginSource(transaction, source);
      await addChunks(transaction, source, chunks);
      const stored = await sql<{ id: string }>`SELECT id FROM chunk WHERE source_id = ${source.id}`.execute(
        transaction,
      );
      const vectors = stored.rows.map(({ id }) => ({ chunkId: id, vector }));
      await storeEmbeddings(transaction, { model, dimensions: 3 }, vectors);
    });
    return source.id;
  }

  const ask = (workspaceId: string, query: string, more: Partial<SearchRequest> = {}) =>
    searchPassages(database, {
      ...{ workspaceId, query: parseQuery(query), limit: 10, asked: query },
      vector: { model, isBuiltIn: false, vector: [1, 0, 0] },
      ...more,
    });

  it("finds by meaning what holds none of the words", async () => {
    const owner = await newWorkspace();
    const near = await index(owner, "Felines sleep most of the day.", [0.9, 0.1, 0]);
    const far = await index(owner, "Quarterly revenue grew.", [0, 1, 0]);

    const { hits, vectorMethod } = await ask(owner, "cats");

    expect(hits.map((hit) => hit.sourceId)).toEqual([near, far]);
    expect(hits[0]).toMatchObject({ text: undefined, vectors: { rank: 1 } });
    expect(hits[0]?.vectors?.similarity).toBeCloseTo(0.9939, 3);
    expect(vectorMethod).toBe("exact");
  });

  it("leads with what both sides found, and says where each found it", async () => {
    const owner = await newWorkspace();
    await index(owner, "The mill has a wheel.", [0, 1, 0]);
    const both = await index(owner, "A wheel of oak turns in the mill.", [1, 0, 0]);
    await index(owner, "Something near in meaning.", [0.9, 0.1, 0]);

    const { hits, weights } = await ask(owner, "mill wheel");

    expect(hits[0]).toMatchObject({ sourceId: both, text: { coverage: 1 }, vectors: { rank: 1 } });
    expect(hits[0]?.score).toBeGreaterThan(hits[1]?.score ?? 0);
    expect(weights).toEqual({ text: 1, vectors: 1 });
  });

  it("never lets built-in vectors overrule the order of full text", async () => {
    const owner = await newWorkspace();
    const worded = await index(owner, "Sluice gates regulate water.", [0.5, 0.5, 0.5]);
    await index(owner, "Something else entirely.", [1, 0, 0]);

    const { hits } = await ask(owner, "sluice", { vector: { model, isBuiltIn: true, vector: [1, 0, 0] } });

    expect(hits[0]?.sourceId).toBe(worded);
  });

  it("leaves out what built-in vectors find far away", async () => {
    const owner = await newWorkspace();
    const near = await index(owner, "Felines sleep.", [0.9, 0.1, 0]);
    await index(owner, "Revenue grew.", [0.1, 1, 0]);

    const { hits } = await ask(owner, "cats", { vector: { model, isBuiltIn: true, vector: [1, 0, 0] } });

    expect(hits.map((hit) => hit.sourceId)).toEqual([near]);
  });

  it("never compares with, and never shows, another owner's vectors", async () => {
    const [mine, theirs] = [await newWorkspace(), await newWorkspace()];
    await index(theirs, "Their secret.", [1, 0, 0]);
    const own = await index(mine, "My note.", [0.5, 0.5, 0]);

    const { hits } = await ask(mine, "anything");

    expect(hits.map((hit) => hit.sourceId)).toEqual([own]);
  });

  it("requires phrases and leaves out what is excluded, whatever the vectors say", async () => {
    const owner = await newWorkspace();
    await index(owner, "The margin was gross.", [1, 0, 0]);
    const phrase = await index(owner, "Our gross margin fell.", [0.5, 0.5, 0]);
    await index(owner, "Gross margin of freight fell.", [1, 0, 0]);

    const { hits, vectorMethod } = await ask(owner, '"gross margin" -freight');

    expect(hits.map((hit) => hit.sourceId)).toEqual([phrase]);
    expect(vectorMethod).toBe("reordered");
  });

  it("looks only in the given sources", async () => {
    const owner = await newWorkspace();
    const wanted = await index(owner, "The weir was mended.", [1, 0, 0]);
    await index(owner, "The weir broke.", [1, 0, 0]);

    const { hits } = await ask(owner, "weir", { sources: sql`SELECT ${wanted}::uuid` });

    expect(hits.map((hit) => hit.sourceId)).toEqual([wanted]);
  });

  it("says when nothing fits well, and still shows the nearest", async () => {
    const owner = await newWorkspace();
    await index(owner, "Bread is baked in an oven.", [0.3, 1, 0]);

    const page = await ask(owner, "quantum bread entanglement telescope");

    expect(page.hits).toHaveLength(1);
    expect(page.hasNoGoodMatch).toBe(true);
    expect((await ask(owner, "baked bread")).hasNoGoodMatch).toBe(false);
  });

  it("names the section of a passage", async () => {
    const owner = await newWorkspace();
    await index(owner, "# Care\n\n## Greasing\n\nGrease the axle.", [1, 0, 0]);

    const { hits } = await ask(owner, "axle");

    expect(hits[0]?.section).toBe("Care › Greasing");
  });

  describe("pages", () => {
    async function collect(owner: string, between: () => Promise<unknown>): Promise<string[]> {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await ask(owner, "wheel", { limit: 2, cursor });
        seen.push(...page.hits.map((hit) => hit.sourceId));
        cursor = page.nextCursor ?? undefined;
        await between();
      } while (cursor !== undefined);
      return seen;
    }

    it("give every passage once, while others are added", async () => {
      const owner = await newWorkspace();
      const ids: string[] = [];
      for (let at = 0; at < 7; at += 1) ids.push(await index(owner, `Wheel number ${at}.`, [1, at / 10, 0]));

      const seen = await collect(owner, () => index(owner, "Wheel wheel wheel, a new wheel.", [1, 0, 0]));

      expect(seen.toSorted()).toEqual(ids.toSorted());
    });

    it("go on when the last passage of the page before was removed", async () => {
      const owner = await newWorkspace();
      for (let at = 0; at < 5; at += 1) await index(owner, `Wheel ${"of oak ".repeat(at)}.`, [1, at / 10, 0]);
      const first = await ask(owner, "wheel", { limit: 2 });
      await sql`DELETE FROM search_source WHERE id = ${first.hits[1]?.sourceId}`.execute(database.queryable);

      const second = await ask(owner, "wheel", { limit: 10, cursor: first.nextCursor ?? "" });

      const firstIds = first.hits.map((hit) => hit.sourceId);
      expect(second.hits.filter((hit) => firstIds.includes(hit.sourceId))).toEqual([]);
      expect(second.hits.length).toBeGreaterThanOrEqual(2);
    });

    it("refuse a cursor of another question", async () => {
      const owner = await newWorkspace();
      for (let at = 0; at < 3; at += 1) await index(owner, `Wheel ${at}.`, [1, 0, 0]);
      const { nextCursor } = await ask(owner, "wheel", { limit: 1 });

      const other = ask(owner, "mill", { cursor: nextCursor ?? "" });

      await expect(other).rejects.toMatchObject({ code: "invalid_cursor" });
      await expect(ask(owner, "mill", { cursor: "nonsense" })).rejects.toMatchObject({
        code: "invalid_cursor",
      });
    });
  });
});
