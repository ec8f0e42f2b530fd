import type { Database } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  addChunks,
  announceSpace,
  beginRun,
  beginSource,
  chunkText,
  dropRetiredSpaces,
  finishFilling,
  listSpaces,
  lookForMissing,
  nextToEmbed,
  parseQuery,
  pauseSpace,
  searchPassages,
  spacesToFill,
  storeBatch,
  storeEmbeddings,
} from "../src/index.ts";

const signal = new AbortController().signal;
const former = { model: "tests:former", isBuiltIn: false };
const latter = { model: "tests:latter", isBuiltIn: false };
const sideBySide = { liveMs: 180_000 };

describe.each(testDatabases())("embedding spaces on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;
  let owner: string;

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());
  beforeEach(async () => {
    owner = newId();
    for (const table of ["chunk_embedding", "embedding_space", "search_source"])
      await sql`DELETE FROM ${sql.table(table)}`.execute(database.queryable);
    await sql`INSERT INTO workspace (id, name) VALUES (${owner}, ${owner})`.execute(database.queryable);
  });

  /** Stores a text of one passage, with a vector of the model if one is given. */
  async function index(text: string, model?: string): Promise<string> {
    const chunks = await chunkText(text, []);
    const source = { id: newId(), workspaceId: owner, language: "en", chunkCount: chunks.length };
    await database.transaction(async (transaction) => {
      await beginSource(transaction, source);
      await addChunks(transaction, source, chunks);
      const stored = await sql<{ id: string }>`SELECT id FROM chunk WHERE source_id = ${source.id}`.execute(
        transaction,
      );
      const vectors = stored.rows.map(({ id }) => ({ chunkId: id, vector: [1, 0, 0] }));
      if (model !== undefined) await storeEmbeddings(transaction, { model, dimensions: 3 }, vectors);
    });
    return source.id;
  }

  /** Embeds so many passages of a space, as its job does. */
  async function fillSome(id: string, limit: number, dimensions = 4): Promise<string> {
    const space = (await listSpaces(database.queryable)).find((each) => each.id === id);
    if (space === undefined) throw new Error("there is no such space");
    const { passages, passed } = await nextToEmbed(database.queryable, id, { limit });
    const vectors = passages.map((chunk) => ({ chunkId: chunk.id, vector: Array(dimensions).fill(0.5) }));
    return await database.transaction((transaction) =>
      storeBatch(transaction, space, { dimensions, vectors, passed }),
    );
  }
  /** Looks at all passages, and ends the filling of a space if it can be ended, as its job does. */
  async function finish(id: string): ReturnType<typeof finishFilling> {
    const look = await lookForMissing(database.queryable, id, signal);
    return await database.transaction((transaction) =>
      finishFilling(transaction, id, { look, isEnough: false }),
    );
  }
  const statuses = async () =>
    Object.fromEntries((await listSpaces(database.queryable)).map(({ model, status }) => [model, status]));
  const ask = (model: string, dimensions: number) =>
    searchPassages(database, {
      ...{ workspaceId: owner, query: parseQuery("anything"), limit: 10, asked: "" },
      vector: { model, isBuiltIn: false, vector: Array<number>(dimensions).fill(0.5) },
    });

  it("answers with the first model from the start, and with another at once while there are no passages", async () => {
    expect((await announceSpace(database, former)).status).toBe("active");
    expect((await announceSpace(database, latter)).status).toBe("active");

    expect(await statuses()).toEqual({ "tests:former": "retired", "tests:latter": "active" });
  });

  it("fills another model's space while the former answers, and switches when all is there", async () => {
    await announceSpace(database, former);
    await index("The weir was mended.", former.model);
    await index("The weir broke.", former.model);

    const space = await announceSpace(database, latter);
    expect(space).toMatchObject({ status: "building", passages: { done: 0, total: 2 } });
    expect((await ask(former.model, 3)).vectorMethod).toBe("exact");
    expect(await fillSome(space.id, 1)).toBe("stored");
    expect((await ask(latter.model, 4)).vectorMethod).toBe("none");
    expect(await finish(space.id)).toBe("goes_on");
    await fillSome(space.id, 10);
    expect(await finish(space.id)).toBe("switched");

    expect(await statuses()).toEqual({ "tests:former": "retired", "tests:latter": "active" });
    expect((await ask(latter.model, 4)).hits).toHaveLength(2);
    // A search that embedded its query before the switch is answered in full too.
    expect((await ask(former.model, 3)).hits).toHaveLength(2);
  });

  it("never answers with a part of the vectors while searches go on over the switch", async () => {
    await announceSpace(database, former);
    for (let at = 0; at < 6; at += 1) await index(`Passage ${at}`, former.model);
    const space = await announceSpace(database, latter);
    const seen = new Set<string>();
    const ended = new AbortController();
    const searching = (async () => {
      while (!ended.signal.aborted) {
        const active = (await listSpaces(database.queryable)).find(({ status }) => status === "active");
        const page = await ask(active?.model ?? "", active?.dimensions ?? 0);
        seen.add(`${active?.model}: ${page.hits.length}`);
      }
    })();

    while ((await finish(space.id)) !== "switched") await fillSome(space.id, 2);
    await expect.poll(() => seen.size).toBe(2);
    ended.abort();
    await searching;

    expect([...seen].toSorted()).toEqual(["tests:former: 6", "tests:latter: 6"]);
  });

  it("embeds before the switch what came while it was filled", async () => {
    await announceSpace(database, former);
    await index("First.", former.model);
    const space = await announceSpace(database, latter);
    await fillSome(space.id, 10);
    await index("Second, by a worker of the former setting.", former.model);

    expect(await finish(space.id)).toBe("goes_on");
    await fillSome(space.id, 10);

    expect(await finish(space.id)).toBe("switched");
    expect((await ask(latter.model, 4)).hits).toHaveLength(2);
  });

  it("goes back for a passage that came behind the place where it was", async () => {
    await announceSpace(database, former);
    await index("First.", former.model);
    const { id } = await announceSpace(database, latter);
    await fillSome(id, 10);
    const late = await index("Of a machine whose clock is late.", former.model);
    await sql`DELETE FROM chunk_embedding WHERE source_id = ${late}`.execute(database.queryable);
    await sql`UPDATE chunk SET id = '01900000-0000-7000-8000-000000000000' WHERE source_id = ${late}`.execute(
      database.queryable,
    );

    expect((await nextToEmbed(database.queryable, id, { limit: 10 })).passages).toEqual([]);
    expect(await finish(id)).toBe("goes_on");
    await fillSome(id, 10);

    expect(await finish(id)).toBe("switched");
    expect((await ask(latter.model, 4)).hits).toHaveLength(2);
  });

  it("counts passages that have a vector already when it passes them", async () => {
    await announceSpace(database, former);
    await index("First.", former.model);
    const { id } = await announceSpace(database, latter);
    await fillSome(id, 10, 3);
    await index("Second, by a worker of this setting.", latter.model);
    await index("Third.", former.model);
    await beginRun(database.queryable, id);

    const next = await nextToEmbed(database.queryable, id, { limit: 10 });
    expect(next).toMatchObject({ passages: [{ text: "Third." }], passed: 1 });
    await fillSome(id, 10, 3);

    const space = (await listSpaces(database.queryable)).find((each) => each.id === id);
    expect(space?.passages).toEqual({ done: 3, total: 3 });
  });

  it("goes on from where it was, counts what is done, and forgets a failure", async () => {
    await announceSpace(database, former);
    for (let at = 0; at < 4; at += 1) await index(`Passage ${at}`, former.model);
    const { id } = await announceSpace(database, latter);
    await fillSome(id, 3);

    await beginRun(database.queryable, id);

    expect((await nextToEmbed(database.queryable, id, { limit: 10 })).passages).toHaveLength(1);
    const space = (await listSpaces(database.queryable)).find((each) => each.id === id);
    expect(space).toMatchObject({ passages: { done: 3, total: 4 }, error: null, etaSeconds: null });
  });

  it("does not flap while processes of two settings announce theirs in turns", async () => {
    await announceSpace(database, former, sideBySide);
    await index("Something.", former.model);
    const { id } = await announceSpace(database, latter, sideBySide);

    for (const wanted of [former, latter, former, latter])
      expect((await announceSpace(database, wanted, sideBySide)).id).toBe(id);
    await fillSome(id, 10);
    expect(await finish(id)).toBe("switched");
    await announceSpace(database, former, sideBySide);

    expect(await statuses()).toEqual({ "tests:former": "retired", "tests:latter": "active" });
  });

  it("goes back to a former model only when no process wants the later one any more", async () => {
    await announceSpace(database, former, sideBySide);
    await index("Something.", former.model);
    await announceSpace(database, latter, sideBySide);
    await sql`
      UPDATE embedding_space SET seen_at = now() - interval '10 minutes' WHERE model = ${latter.model}`.execute(
      database.queryable,
    );

    const space = await announceSpace(database, former, sideBySide);

    expect(space).toMatchObject({ model: former.model, status: "active" });
    expect(await statuses()).toEqual({ "tests:former": "active", "tests:latter": "retired" });
    // A straggler that comes back is not new.
    expect((await announceSpace(database, latter, sideBySide)).id).toBe(space.id);
  });

  it("takes what was announced before for gone on an embedded folder, which has one process", async () => {
    await announceSpace(database, former, { liveMs: 0 });
    await index("Something.", former.model);
    await announceSpace(database, latter, { liveMs: 0 });

    expect(await announceSpace(database, former, { liveMs: 0 })).toMatchObject({ status: "active" });
  });

  it("takes another revision of the same name for another space", async () => {
    await announceSpace(database, former);
    await index("Something.", former.model);

    const space = await announceSpace(database, { ...former, revision: "2" });

    expect(space).toMatchObject({ model: former.model, revision: "2", status: "building" });
    await fillSome(space.id, 10, 3);
    expect(await finish(space.id)).toBe("switched");
  });

  it("begins another space when a model gives vectors of another length", async () => {
    await announceSpace(database, former);
    await index("One.", former.model);
    await index("Two.", former.model);
    const { id } = await announceSpace(database, latter);
    await fillSome(id, 1, 4);

    expect(await fillSome(id, 1, 5)).toBe("left");

    const space = await announceSpace(database, latter);
    expect(space).toMatchObject({ dimensions: 5, status: "building" });
    expect(space.id).not.toBe(id);
  });

  it("does not switch while it is paused, and goes on when it is resumed", async () => {
    await announceSpace(database, former);
    await index("Something.", former.model);
    const { id } = await announceSpace(database, latter);

    expect((await pauseSpace(database, id, true)).pausedAt).not.toBeNull();
    await fillSome(id, 10);

    expect(await finish(id)).toBe("goes_on");
    expect(await spacesToFill(database.queryable, signal)).toEqual([]);
    expect((await pauseSpace(database, id, false)).pausedAt).toBeNull();
    expect(await spacesToFill(database.queryable, signal)).toEqual([{ id }]);
    expect(await finish(id)).toBe("switched");
    await expect(pauseSpace(database, id, true)).rejects.toMatchObject({ code: "space_not_building" });
    await expect(pauseSpace(database, newId(), true)).rejects.toMatchObject({ code: "space_not_found" });
  });

  it("drops a space that was left, after a while, and never one that is in use", async () => {
    await announceSpace(database, former);
    await index("Something.", former.model);
    const { id } = await announceSpace(database, latter);
    await fillSome(id, 10);
    await finish(id);

    expect(await dropRetiredSpaces(database, signal)).toEqual([]);
    expect(await dropRetiredSpaces(database, signal, { olderThanMs: 0 })).toEqual([
      { model: former.model, vectors: 1 },
    ]);

    expect(await statuses()).toEqual({ "tests:latter": "active" });
    expect((await ask(latter.model, 4)).hits).toHaveLength(1);
  });

  it("stores no vectors in a space that was left", async () => {
    await announceSpace(database, former);
    await index("Something.", former.model);
    const { id } = await announceSpace(database, latter);
    await fillSome(id, 10);
    await finish(id);
    await index("Late, by a worker of the former setting.", former.model);

    await sql`UPDATE search_source SET indexed_at = now() - interval '1 hour'`.execute(database.queryable);

    expect((await ask(former.model, 3)).hits).toHaveLength(1);
    expect(await spacesToFill(database.queryable, signal)).toEqual([{ id }]);
  });
});
