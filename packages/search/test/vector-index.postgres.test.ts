import type { Database } from "@millrace/database";
import { openPostgres } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepVectorIndexes, parseQuery, searchPassages } from "../src/index.ts";

const model = "tests:eight";
const dimensions = 8;
/** More than is compared one by one. */
const many = 10_400;
const signal = new AbortController().signal;

describe("the approximate index", () => {
  let opened: TestDatabase;
  let database: Database;
  let large: string;
  let small: string;
  let rare: string;

  beforeAll(async () => {
    const kind = testDatabases().find(({ name }) => name === "postgres");
    if (kind === undefined) throw new Error("there is no PostgreSQL");
    opened = await kind.open();
    database = opened.database;
    await sql`
      INSERT INTO embedding_space (id, model, dimensions, status)
      VALUES (${newId()}, ${model}, ${dimensions}, 'active')`.execute(database.queryable);
    large = await fill(many);
    small = await fill(30);
    rare = await fill(12, large);
  });
  afterAll(() => opened.close());

  /** Stores a source of so many passages with any vectors, of a new workspace or of one there is. */
  async function fill(count: number, workspace?: string): Promise<string> {
    const [workspaceId, sourceId] = [workspace ?? newId(), newId()];
    const { queryable } = database;
    if (workspace === undefined)
      await sql`INSERT INTO workspace (id, name) VALUES (${workspaceId}, ${workspaceId})`.execute(queryable);
    await sql`
      INSERT INTO search_source (id, workspace_id, configuration, chunk_count)
      VALUES (${sourceId}, ${workspaceId}, 'simple', ${count})`.execute(queryable);
    await sql`
      INSERT INTO chunk (id, workspace_id, source_id, ordinal, char_start, char_end, text, token_count, content_hash, words)
      SELECT gen_random_uuid(), ${workspaceId}, ${sourceId}, at, 0, 4, 'text', 1, '', 'text'
      FROM generate_series(1, ${count}::int) AS at`.execute(queryable);
    await sql`
      INSERT INTO chunk_embedding (space_id, chunk_id, workspace_id, source_id, embedding)
      SELECT embedding_space.id, chunk.id, workspace_id, source_id,
             (SELECT array_agg(random() - 0.5 + 0 * n * ordinal) FROM generate_series(1, ${dimensions}::int) AS n)::vector
      FROM chunk, embedding_space WHERE source_id = ${sourceId}`.execute(queryable);
    return workspace === undefined ? workspaceId : sourceId;
  }

  const ask = (workspaceId: string, source?: string, on = database) =>
    searchPassages(on, {
      ...{ workspaceId, query: parseQuery("nothing"), limit: 50, asked: "" },
      vector: { model, isBuiltIn: false, vector: [1, 1, 0, 0, 0, 0, 0, 0] },
      sources: source === undefined ? undefined : sql`SELECT ${source}::uuid`,
    });
  const indexState = async () => {
    const found = await sql<{ valid: boolean }>`
      SELECT indisvalid AS valid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
      WHERE relname LIKE 'chunk_embedding_hnsw_%'`.execute(database.queryable);
    return found.rows.map(({ valid }) => valid);
  };
  const outcomes = async () => (await keepVectorIndexes(database, signal)).map(({ outcome }) => outcome);
  const nearest = (page: Awaited<ReturnType<typeof ask>>) => page.hits.map((hit) => hit.chunkId);

  it("is made when there are many vectors, once, and then used for large owners only", async () => {
    const exact = await ask(large);
    expect(exact.vectorMethod).toBe("exact");

    expect(await outcomes()).toEqual(["built"]);
    expect(await outcomes()).toEqual(["kept"]);

    const indexed = await ask(large);
    expect(indexed.vectorMethod).toBe("index");
    expect((await ask(small)).vectorMethod).toBe("exact");
    const found = new Set(nearest(indexed));
    expect(nearest(exact).filter((id) => found.has(id)).length).toBeGreaterThanOrEqual(48);
  });

  it("never costs an owner hits, nor a filter that leaves little", async () => {
    expect((await ask(small)).hits).toHaveLength(30);
    expect((await ask(large, rare)).hits).toHaveLength(12);
  });

  it("leaves no setting behind on a connection that others use", async () => {
    await ask(large);

    const left = await sql<{ setting: string }>`
      SELECT current_setting('hnsw.iterative_scan', true) AS setting`.execute(database.queryable);
    expect(left.rows[0]?.setting ?? "off").not.toBe("relaxed_order");
  });

  it("works behind pgBouncer in transaction mode", async (context) => {
    if (opened.pgbouncerUrl === undefined) return context.skip();
    const pooled = openPostgres({ url: opened.pgbouncerUrl, poolSize: 2, logger: silentLogger });
    try {
      expect((await ask(large, undefined, pooled)).vectorMethod).toBe("index");
    } finally {
      await pooled.close();
    }
  });

  it("is not used while it is known to be broken, and made anew", async () => {
    await sql`UPDATE embedding_space SET index_broken_at = now()`.execute(database.queryable);
    expect((await ask(large)).vectorMethod).toBe("exact");

    expect(await outcomes()).toEqual(["rebuilt"]);

    expect((await ask(large)).vectorMethod).toBe("index");
  });

  it("that was left half built is made anew", async () => {
    await sql`
      UPDATE pg_index SET indisvalid = false
      WHERE indexrelid IN (SELECT oid FROM pg_class WHERE relname LIKE 'chunk_embedding_hnsw_%')`.execute(
      database.queryable,
    );
    expect((await ask(large)).vectorMethod).toBe("exact");

    expect(await outcomes()).toEqual(["rebuilt"]);

    expect(await indexState()).toEqual([true]);
  });

  it("whose content is damaged is not used any more, and made anew", async () => {
    // The file of another index, which has nothing of what is looked for in it.
    await pointIndexAt(sql`(SELECT relfilenode FROM pg_class WHERE relname = 'chunk_embedding_owner')`);

    const page = await ask(large);

    expect(page.hits).toHaveLength(50);
    expect(page.vectorMethod).toBe("exact");
    await pointIndexAt(sql`4000000`);
    expect(await outcomes()).toEqual(["rebuilt"]);
    expect((await ask(large)).vectorMethod).toBe("index");
  });

  it("whose file is lost costs the vectors until it is made anew, and no search", async () => {
    await pointIndexAt(sql`4000001`);

    const page = await ask(large);

    expect(page.vectorMethod).toBe("broken");
    expect(await outcomes()).toEqual(["rebuilt"]);
    expect((await ask(large)).hits).toHaveLength(50);
  });

  async function pointIndexAt(file: RawBuilder<unknown>): Promise<void> {
    await sql`
      UPDATE pg_class SET relfilenode = ${file} WHERE relname LIKE 'chunk_embedding_hnsw_%'`.execute(
      database.queryable,
    );
  }
});
