import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId, silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { PostgresStore, pruneCache } from "../src/index.ts";
import { cacheSuite } from "./cache-suite.ts";

const hour = 3_600_000;

export function postgresCacheSuite(kind: "embedded" | "postgres"): void {
  let opened: TestDatabase;
  const openStore = () => new PostgresStore({ database: opened.database, logger: silentLogger });

  beforeAll(async () => {
    const wanted = testDatabases().find(({ name }) => name === kind);
    if (wanted === undefined) throw new Error(`there is no database of kind ${kind}`);
    opened = await wanted.open();
  });
  afterAll(() => opened.close());

  describe("every store", () => {
    cacheSuite(openStore);
  });

  const count = async (): Promise<number> => {
    const { rows } = await sql<{ count: number }>`
      SELECT count(*)::integer AS count FROM cache_entry`.execute(opened.database.queryable);
    return rows[0]?.count ?? 0;
  };
  const empty = () => sql`TRUNCATE cache_entry`.execute(opened.database.queryable);

  it("removes what has expired, and nothing else", async () => {
    await empty();
    const store = openStore();
    for (let nth = 0; nth < 5; nth++) await store.write(newId(), { text: "1", ttlMs: hour, tags: [] });
    await sql`UPDATE cache_entry SET expires_at = now() - interval '1 ms'`.execute(opened.database.queryable);
    await store.write("kept", { text: "1", ttlMs: hour, tags: [] });

    expect(await pruneCache(opened.database)).toBe(5);
    expect(await store.read("kept")).toBe("1");
  });

  it("keeps no more entries and bytes than it may, those that end last", async () => {
    await empty();
    const store = openStore();
    for (let nth = 1; nth <= 20; nth++) {
      await store.write(`k${nth}`, { text: JSON.stringify("x".repeat(98)), ttlMs: hour * nth, tags: [] });
    }

    await pruneCache(opened.database, { maxEntries: 15 });
    expect(await count()).toBe(15);
    await pruneCache(opened.database, { maxBytes: 500 });
    expect(await count()).toBe(5);
    expect(await store.read("k20")).toBeDefined();
  });

  it("takes no entry from those who are computing its value, however little room there is", async () => {
    await empty();
    const store = openStore();
    const token = newId();
    await store.begin("computed", { token, lockMs: 60_000, tags: [] });
    await store.write("kept", { text: "1", ttlMs: hour, tags: [] });

    expect(await pruneCache(opened.database, { maxEntries: 0 })).toBe(1);

    expect(await store.read("kept")).toBeUndefined();
    expect(await store.begin("computed", { token: newId(), lockMs: 60_000, tags: [] })).not.toEqual({
      kind: "begun",
    });
  });

  it("has nothing, and fails nobody, while its table can't be used", async () => {
    await sql`ALTER TABLE cache_entry RENAME TO cache_entry_away`.execute(opened.database.queryable);
    const store = openStore();

    await store.write("a", { text: "1", ttlMs: hour, tags: [] });
    expect(await store.read("a")).toBeUndefined();
    expect(await store.begin("a", { token: newId(), lockMs: 100, tags: [] })).toEqual({ kind: "begun" });

    await sql`ALTER TABLE cache_entry_away RENAME TO cache_entry`.execute(opened.database.queryable);
    await store.write("a", { text: "1", ttlMs: hour, tags: [] });
    expect(await store.read("a")).toBe("1");
  });
}
