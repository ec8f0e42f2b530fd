import type { Database } from "@millrace/database";
import { openPostgres } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  findSimilarSources,
  keepVectorIndexes,
  markIfBroken,
  parseQuery,
  searchPassages,
  storeEmbeddings,
} from "../src/index.ts";

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

  const ask = (workspaceId: string, source?: string, on = database, query = "nothing") =>
    searchPassages(on, {
      ...{ workspaceId, query: parseQuery(query), limit: 50, asked: "" },
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

  it("whose file is lost is noticed when any owner searches, marked and made anew", async () => {
    await pointIndexAt(sql`4000002`);

    expect((await ask(small)).vectorMethod).toBe("broken");

    expect(await marked()).toEqual([model]);
    expect(await outcomes()).toEqual(["rebuilt"]);
    expect(await marked()).toEqual([]);
    expect((await ask(small)).hits).toHaveLength(30);
  });

  it("whose file is lost is made anew by upkeep although nobody has searched", async () => {
    await pointIndexAt(sql`4000003`);

    expect(await outcomes()).toEqual(["rebuilt"]);

    expect((await ask(small)).vectorMethod).toBe("exact");
  });

  it("whose file is lost costs a query with a phrase the vectors, and similar documents all", async () => {
    const source = await sql<{ id: string }>`
      SELECT id FROM search_source WHERE workspace_id = ${small}`.execute(database.queryable);
    await pointIndexAt(sql`4000006`);

    const page = await ask(small, undefined, database, 'text "text"');
    expect(page.vectorMethod).toBe("broken");
    expect(page.hits).toHaveLength(30);
    expect(await marked()).toEqual([model]);

    await sql`UPDATE embedding_space SET index_broken_at = NULL`.execute(database.queryable);
    const request = { workspaceId: small, sourceId: source.rows[0]?.id ?? "", limit: 10 };
    const similar = await findSimilarSources(database.queryable, request);
    expect(similar).toEqual({ model: null, reason: "index_broken", found: [] });
    expect(await marked()).toEqual([model]);
    expect(await outcomes()).toEqual(["rebuilt"]);
    expect(await findSimilarSources(database.queryable, request)).toMatchObject({ model, reason: null });
  });

  it("is made for a space that is filled when that has come far enough", async () => {
    const id = newId();
    await sql`
      INSERT INTO embedding_space (id, model, dimensions, status, passages_done)
      VALUES (${id}, 'tests:filled', ${dimensions}, 'building', 9000)`.execute(database.queryable);
    expect(await outcomes()).toEqual(["kept", "not_needed"]);

    await sql`UPDATE embedding_space SET passages_done = 11000 WHERE id = ${id}`.execute(database.queryable);

    expect(await outcomes()).toEqual(["kept", "built"]);
    await sql`UPDATE embedding_space SET status = 'retired', retired_at = now() WHERE id = ${id}`.execute(
      database.queryable,
    );
    expect(await outcomes()).toEqual(["kept", "dropped"]);
    await sql`DELETE FROM embedding_space WHERE id = ${id}`.execute(database.queryable);
  });

  it("is waited for as long as it takes, on a server that ends what nobody waits for", async () => {
    const url = new URL(opened.url ?? "");
    // In place of the minute; a busy machine must answer within it, and building takes some of them.
    url.searchParams.set("query_timeout", "1000");
    await sql`ALTER DATABASE ${sql.id(url.pathname.slice(1))} SET client_connection_check_interval = '100ms'`.execute(
      database.queryable,
    );
    await sql`UPDATE embedding_space SET index_broken_at = now()`.execute(database.queryable);
    const impatient = openPostgres({ url: url.href, poolSize: 2, logger: silentLogger });
    try {
      const care = await keepVectorIndexes(impatient, signal);

      expect(care).toEqual([{ model, outcome: "rebuilt", reason: null }]);
    } finally {
      await impatient.close();
    }
  });

  it("of another space that is lost is the one that goes", async () => {
    const other = "tests:other";
    const id = newId();
    await sql`
      INSERT INTO embedding_space (id, model, dimensions, status, retired_at)
      VALUES (${id}, ${other}, ${dimensions}, 'retired', now())`.execute(database.queryable);
    const name = `chunk_embedding_hnsw_${id.replaceAll("-", "")}`;
    await sql`
      CREATE INDEX ${sql.id(name)} ON chunk_embedding
      USING hnsw ((embedding::vector(${sql.lit(dimensions)})) vector_cosine_ops)
      WHERE space_id = ${sql.lit(id)}`.execute(database.queryable);
    await sql`UPDATE pg_class SET relfilenode = 4000004 WHERE relname = ${name}`.execute(database.queryable);

    expect((await ask(small)).vectorMethod).toBe("broken");

    expect(await marked()).toEqual([other]);
    expect(await outcomes()).toEqual(["kept", "dropped"]);
    expect((await ask(large)).vectorMethod).toBe("index");
    await sql`DELETE FROM embedding_space WHERE id = ${id}`.execute(database.queryable);
  });

  it("whose damage only new vectors meet is marked by who stores them, and made anew", async () => {
    await pointIndexAt(sql`(SELECT relfilenode FROM pg_class WHERE relname = 'chunk_embedding_owner')`);

    const refusal = await store(small).catch((error: unknown) => error);

    expect(await markIfBroken(database.queryable, refusal, await activeSpace())).toBe(true);
    expect(await marked()).toEqual([model]);
    await pointIndexAt(sql`4000005`);
    expect(await outcomes()).toEqual(["rebuilt"]);
    expect(await store(small)).toBe(true);
  });

  it("is not blamed for other failures, nor where there is none", async () => {
    const refusal = await sql`SELECT 1 / 0`.execute(database.queryable).catch((error: unknown) => error);
    expect(await markIfBroken(database.queryable, refusal, await activeSpace())).toBe(false);

    const damage = Object.assign(new Error("could not open file"), { code: "58P01" });
    expect(await markIfBroken(database.queryable, damage, newId())).toBe(false);
    expect(await marked()).toEqual([]);
  });

  const marked = async () => {
    const found = await sql<{ model: string }>`
      SELECT model FROM embedding_space WHERE index_broken_at IS NOT NULL`.execute(database.queryable);
    return found.rows.map((row) => row.model);
  };
  const activeSpace = async () => {
    const found = await sql<{ id: string }>`
      SELECT id FROM embedding_space WHERE status = 'active'`.execute(database.queryable);
    return found.rows[0]?.id;
  };

  /** Stores the vector of one more passage. */
  async function store(workspaceId: string): Promise<boolean> {
    return await database.transaction(async (transaction) => {
      const added = await sql<{ id: string }>`
        INSERT INTO chunk (id, workspace_id, source_id, ordinal, char_start, char_end, text, token_count, content_hash, words)
        SELECT ${newId()}, workspace_id, id, 1000, 0, 4, 'text', 1, '', 'text'
        FROM search_source WHERE workspace_id = ${workspaceId} RETURNING id`.execute(transaction);
      const vectors = added.rows.map(({ id }) => ({ chunkId: id, vector: [1, 0, 0, 0, 0, 0, 0, 0] }));
      return await storeEmbeddings(transaction, { model, dimensions }, vectors);
    });
  }

  async function pointIndexAt(file: RawBuilder<unknown>): Promise<void> {
    await sql`
      UPDATE pg_class SET relfilenode = ${file} WHERE relname LIKE 'chunk_embedding_hnsw_%'`.execute(
      database.queryable,
    );
  }
});
