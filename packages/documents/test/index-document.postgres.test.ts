import type { Database } from "@millrace/database";
import { parseSettings, silentLogger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import type { Models } from "@millrace/models";
import { keepVectorIndexes, listSpaces } from "@millrace/search";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { indexing } from "./index-documents.ts";

const signal = new AbortController().signal;

describe("a document that comes while the approximate index is broken", () => {
  let opened: TestDatabase;
  let database: Database;
  let models: Models;
  let accept: ReturnType<typeof indexing>["accept"];
  let index: ReturnType<typeof indexing>["index"];

  beforeAll(async () => {
    const kind = testDatabases().find(({ name }) => name === "postgres");
    if (kind === undefined) throw new Error("there is no PostgreSQL");
    opened = await kind.open();
    database = opened.database;
    models = createModels({ settings: parseSettings(modelSettingsSchema, {}), logger: silentLogger });
    ({ accept, index } = indexing(database, models));
  });
  afterAll(async () => {
    await models.stop();
    await opened.close();
  });
  beforeEach(async () => {
    await index(await accept("The first makes the space."));
    const [space] = await listSpaces(database.queryable);
    if (space === undefined) throw new Error("there is no space");
    await sql`
      CREATE INDEX ${sql.id(`chunk_embedding_hnsw_${space.id.replaceAll("-", "")}`)} ON chunk_embedding
      USING hnsw ((embedding::vector(${sql.lit(space.dimensions)})) vector_cosine_ops)
      WHERE space_id = ${sql.lit(space.id)}`.execute(database.queryable);
  });

  async function pointIndexAt(file: RawBuilder<unknown>): Promise<void> {
    await sql`
      UPDATE pg_class SET relfilenode = ${file} WHERE relname LIKE 'chunk_embedding_hnsw_%'`.execute(
      database.queryable,
    );
  }
  const mend = () => keepVectorIndexes(database, signal);
  const stateOf = async (id: string) => {
    const found = await sql`
      SELECT indexed_at IS NOT NULL AS is_indexed,
             (SELECT count(*)::int FROM chunk WHERE source_id = document.id) AS passages,
             (SELECT count(*)::int FROM chunk_embedding WHERE source_id = document.id) AS vectors
      FROM document WHERE id = ${id}`.execute(database.queryable);
    return found.rows[0];
  };
  const isMarked = async () => (await listSpaces(database.queryable)).map((space) => space.isIndexBroken);

  it("can be searched by words, and its vectors wait for an index whose file is lost", async () => {
    const id = await accept("The sluice is lost.");
    await pointIndexAt(sql`4100001`);

    const { logs } = await index(id);

    expect(logs.map(({ level }) => level)).toContain("warning");
    expect(await isMarked()).toEqual([true]);
    await mend();
    expect(await isMarked()).toEqual([false]);
    expect(await stateOf(id)).toEqual({ is_indexed: true, passages: 1, vectors: 0 });
  });

  it("goes on where only storing its vectors meets the damage, and the next one asks no model", async () => {
    await pointIndexAt(sql`(SELECT relfilenode FROM pg_class WHERE relname = 'chunk_embedding_owner')`);
    const id = await accept("The sluice is damaged.");
    const next = await accept("The weir is damaged.");

    await index(id);
    const { logs } = await index(next);

    expect(logs.at(-1)?.message).toMatch(/No embedding model/);
    await pointIndexAt(sql`4100002`);
    await mend();
    expect(await stateOf(id)).toEqual({ is_indexed: true, passages: 1, vectors: 0 });
    expect(await stateOf(next)).toEqual({ is_indexed: true, passages: 1, vectors: 0 });
  });

  it("is put off, and uses no try up, where it has to replace what was indexed before", async () => {
    const id = await accept("The sluice is read twice.");
    await index(id);
    await pointIndexAt(sql`4100003`);

    await expect(index(id)).rejects.toMatchObject({
      code: "index_broken",
      retryable: true,
      putOffSeconds: 60,
    });

    await mend();
    await index(id);
    expect(await stateOf(id)).toEqual({ is_indexed: true, passages: 1, vectors: 1 });
  });
});
