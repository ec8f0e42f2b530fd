import type { Database } from "@millrace/database";
import { openPostgres } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  announceSpace,
  beginRun,
  dropRetiredSpaces,
  finishFilling,
  listSpaces,
  lookForMissing,
  nextToEmbed,
  spacesToFill,
} from "../src/index.ts";

const passages = 60_000;
const passagesPerSource = 20;
const former = { model: "tests:former", isBuiltIn: false };
const latter = { model: "tests:latter", isBuiltIn: false };
const signal = new AbortController().signal;

/** What the server reads of its tables, in pages: those of an index too, each as often as it was looked at. */
type Pages = { readonly passages: number; readonly vectors: number; readonly sources: number };

describe(`a change of the model among ${passages} passages`, () => {
  let opened: TestDatabase;
  /** With one connection, for the server tells what that one has read. */
  let database: Database;
  let heapPages: number;
  let id: string;

  beforeAll(async () => {
    const kind = testDatabases().find(({ name }) => name === "postgres");
    if (kind === undefined) throw new Error("this test needs PostgreSQL");
    opened = await kind.open();
    database = openPostgres({ url: opened.url ?? "", poolSize: 1, logger: silentLogger });
    const { queryable } = database;
    for (const table of ["chunk", "chunk_embedding", "search_source"])
      await sql`ALTER TABLE ${sql.table(table)} SET (autovacuum_enabled = off)`.execute(queryable);
    const owner = newId();
    await sql`INSERT INTO workspace (id, name) VALUES (${owner}, ${owner})`.execute(queryable);
    await announceSpace(database, former);
    await sql`
      INSERT INTO search_source (id, workspace_id, configuration, chunk_count, indexed_at)
      SELECT gen_random_uuid(), ${owner}, 'simple', ${passagesPerSource}, now() - interval '1 day'
      FROM generate_series(1, ${passages / passagesPerSource}::int)`.execute(queryable);
    await sql`
      INSERT INTO chunk (id, workspace_id, source_id, ordinal, char_start, char_end, text, token_count, content_hash, words)
      SELECT ('0190' || lpad(to_hex(row_number() OVER ()), 12, '0') || '8000800000000000')::uuid, ${owner}, source.id, at, 0, 4,
             repeat('text ', 200), 100, '', 'text'
      FROM (SELECT id FROM search_source) AS source, generate_series(1, ${passagesPerSource}::int) AS at`.execute(
      queryable,
    );
    await embed(former.model, passages);
    await sql`VACUUM ANALYZE`.execute(queryable);
    const size = await sql<{ pages: number }>`
      SELECT (pg_relation_size('chunk') / 8192)::int AS pages`.execute(queryable);
    heapPages = size.rows[0]?.pages ?? 0;
  }, 120_000);
  afterAll(async () => {
    await database.close();
    await opened.close();
  });

  /** Stores the vectors of so many more passages, and that the filling has come so far. */
  async function embed(model: string, count: number): Promise<void> {
    await sql`
      WITH part AS (
        SELECT chunk.id, workspace_id, source_id FROM chunk, embedding_space
        WHERE model = ${model} AND (last_chunk_id IS NULL OR chunk.id > last_chunk_id)
        ORDER BY chunk.id LIMIT ${count}),
      stored AS (
        INSERT INTO chunk_embedding (space_id, chunk_id, workspace_id, source_id, embedding)
        SELECT embedding_space.id, part.id, workspace_id, source_id, '[1,2,3,4,5,6,7,8]'
        FROM part, embedding_space WHERE model = ${model})
      UPDATE embedding_space SET dimensions = 8, passages_done = passages_done + ${count}::int,
             last_chunk_id = coalesce((SELECT id FROM part ORDER BY id DESC LIMIT 1), last_chunk_id)
      WHERE model = ${model}`.execute(database.queryable);
  }

  async function readPages(): Promise<Pages> {
    await sql`SELECT pg_stat_force_next_flush()`.execute(database.queryable);
    const found = await sql<Pages>`
      SELECT sum(pages) FILTER (WHERE relname = 'chunk')::float8 AS passages,
             sum(pages) FILTER (WHERE relname = 'chunk_embedding')::float8 AS vectors,
             sum(pages) FILTER (WHERE relname = 'search_source')::float8 AS sources
      FROM (SELECT relname, heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit AS pages
            FROM pg_statio_user_tables) AS read`.execute(database.queryable);
    return found.rows[0] ?? { passages: 0, vectors: 0, sources: 0 };
  }

  /** What some work gives, and what was read for it. */
  async function measure<Result>(work: () => Promise<Result>): Promise<{ result: Result; pages: Pages }> {
    const before = await readPages();
    const result = await work();
    const after = await readPages();
    const pages = {
      passages: after.passages - before.passages,
      vectors: after.vectors - before.vectors,
      sources: after.sources - before.sources,
    };
    return { result, pages };
  }
  /** Vectors that were read one after the other, not by an index. */
  async function countScanned(): Promise<number> {
    await sql`SELECT pg_stat_force_next_flush()`.execute(database.queryable);
    const found = await sql<{ vectors: number }>`
      SELECT seq_tup_read::float8 AS vectors FROM pg_stat_user_tables WHERE relname = 'chunk_embedding'`.execute(
      database.queryable,
    );
    return found.rows[0]?.vectors ?? Number.NaN;
  }
  const sizeOf = (pages: Pages) => pages.passages + pages.vectors + pages.sources;
  const next = () => nextToEmbed(database.queryable, id, { limit: 64 });

  it("begins without reading the passages, and knows how many there are", async () => {
    const { result: space, pages } = await measure(() => announceSpace(database, latter));

    ({ id } = space);
    expect(space).toMatchObject({ status: "building", passages: { done: 0, total: passages } });
    expect(space.tokensTotal).toBe(100 * passages);
    expect(sizeOf(pages)).toBeLessThan(heapPages / 10);
  });

  it("is announced again by each process for next to nothing", async () => {
    const { pages } = await measure(() => announceSpace(database, latter));

    expect(sizeOf(pages)).toBeLessThan(20);
  });

  it.each([
    ["at the start", 0, "SELECT 1"],
    ["while the server believes that there are no vectors of it", passages / 2, "SELECT 1"],
    ["when the server knows of them", passages / 4, "VACUUM ANALYZE"],
  ])("reads for a batch as much as the batch needs, %s", async (_name, count, prepare) => {
    await embed(latter.model, count);
    await sql.raw(prepare).execute(database.queryable);

    const { result, pages } = await measure(next);

    expect(result.passages).toHaveLength(64);
    expect(sizeOf(pages)).toBeLessThan(1_500);
  });

  it("goes on with its turns without reading the passages or the vectors", async () => {
    const { pages } = await measure(() => beginRun(database.queryable, id));

    expect(sizeOf(pages)).toBeLessThan(heapPages / 10);
  });

  it("passes what has vectors over indexes alone, and no part of it twice", async () => {
    await sql`UPDATE embedding_space SET last_chunk_id = NULL, passages_done = 0 WHERE id = ${id}`.execute(
      database.queryable,
    );
    await measure(next);

    const { result, pages } = await measure(next);

    expect(result.passages).toHaveLength(64);
    expect(sizeOf(pages)).toBeLessThan(1_500);
    expect((await listSpaces(database.queryable)).find((space) => space.id === id)?.passages.done).toBe(
      0.75 * passages,
    );
  });

  it("ends with a look over the indexes, before others wait for it", async () => {
    await embed(latter.model, passages / 4);

    const { result: look, pages: looked } = await measure(() =>
      lookForMissing(database.queryable, id, signal),
    );
    const { result: end, pages } = await measure(() =>
      database.transaction((transaction) => finishFilling(transaction, id, { look, isEnough: false })),
    );

    expect(look).toMatchObject({ isComplete: true, passages });
    expect(end).toBe("switched");
    expect(looked.passages).toBeLessThan(heapPages / 2);
    expect(sizeOf(pages)).toBeLessThan(20);
  });

  it("is looked after by upkeep from where it was looked after before", async () => {
    const { result, pages } = await measure(() => spacesToFill(database.queryable, signal));

    expect(result).toEqual([]);
    expect(sizeOf(pages)).toBeLessThan(20);
  });

  it("leaves vectors that are found by their passages when they are deleted", async () => {
    const before = await countScanned();

    const dropped = await dropRetiredSpaces(database, signal, { olderThanMs: 0 });

    expect(dropped).toEqual([{ model: former.model, vectors: passages }]);
    // Once by the server's own check that none of them is left of the space, where it believes that there are many.
    expect((await countScanned()) - before).toBeLessThanOrEqual(passages);
  });
});
