import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { errorCode, localAccess, newId, silentLogger } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import { Queue, readJobDetail, runInline } from "@millrace/queue";
import { addChunks, beginSource, chunkText } from "@millrace/search";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  Collections,
  createFileStore,
  Documents,
  documentsToSearch,
  handleChangeMany,
  purgeTrash,
} from "../src/index.ts";
import type { FileStore } from "../src/index.ts";
import { insertDocuments } from "./insert-documents.ts";

const stranger: Access = { workspaceId: newId(), personId: newId() };
const never = new AbortController().signal;

describe.each(testDatabases())("sorting and deleting documents, on $name", (kind) => {
  let opened: TestDatabase;
  let directory: string;
  let files: FileStore;
  let queue: Queue;
  let documents: Documents;
  let collections: Collections;
  beforeAll(async () => {
    opened = await kind.open();
    directory = await mkdtemp(join(tmpdir(), "millrace-organise-"));
    files = createFileStore({ directory });
    await files.start();
    const { queryable } = opened.database;
    await sql`INSERT INTO workspace (id, name) VALUES (${stranger.workspaceId}, 'other')`.execute(queryable);
    await sql`INSERT INTO person (id, name) VALUES (${stranger.personId}, 'other')`.execute(queryable);
    queue = new Queue({ database: opened.database, logger: silentLogger, handlers: [] });
    documents = new Documents({ queue, files });
    collections = new Collections(queue);
  });
  beforeEach(async () => {
    for (const table of ["document", "collection", "search_source"]) {
      await sql`DELETE FROM ${sql.table(table)}`.execute(opened.database.queryable);
    }
  });
  afterAll(async () => {
    await files.stop();
    await opened.close();
    await rm(directory, { recursive: true });
  });

  const insert = (count: number, access: Access = localAccess) =>
    insertDocuments(opened.database.queryable, access, { count, title: "Mill", text: "The mill." });
  const one = async () => (await insert(1))[0] ?? "";
  const titles = async (filter: Partial<Parameters<Documents["list"]>[1]>, access = localAccess) =>
    (await documents.list(access, { limit: 100, ...filter })).map(({ title }) => title);
  const makeSearchable = async (id: string) => {
    const chunks = await chunkText("The mill grinds.", []);
    const source = { id, workspaceId: localAccess.workspaceId, language: "en", chunkCount: chunks.length };
    await opened.database.transaction(async (transaction) => {
      await beginSource(transaction, source);
      await addChunks(transaction, source, chunks);
    });
  };
  const rowsOf = async (id: string) => {
    const counted = await sql<{ count: number }>`
      SELECT (SELECT count(*) FROM document WHERE id = ${id})
           + (SELECT count(*) FROM document_text WHERE document_id = ${id})
           + (SELECT count(*) FROM document_tag WHERE document_id = ${id})
           + (SELECT count(*) FROM chunk WHERE source_id = ${id}) AS count`.execute(
      opened.database.queryable,
    );
    return counted.rows[0]?.count;
  };
  const makeDue = () =>
    sql`UPDATE document SET purge_at = now() - interval '1 second' WHERE trashed_at IS NOT NULL`.execute(
      opened.database.queryable,
    );

  it("gives a document tags and collections, and finds it by them", async () => {
    const [tagged = "", other = ""] = await insert(2);
    const { id } = await collections.create(localAccess, "Old Mills");

    const updated = await documents.update(localAccess, tagged, {
      tags: ["water", "stone"],
      collections: ["old mills"],
    });
    await documents.update(localAccess, other, { tags: ["stone"] });

    expect(updated.tags).toEqual(["stone", "water"]);
    expect(updated.collections).toEqual([{ id, name: "Old Mills" }]);
    expect(await titles({ tag: "water" })).toEqual(["Mill 1"]);
    expect(await titles({ collection: id })).toEqual(["Mill 1"]);
    expect(await titles({ collection: "OLD mills", tag: "stone" })).toEqual(["Mill 1"]);
    const page = { search: undefined, after: undefined, limit: 10 };
    expect(await documents.listTags(localAccess, page)).toEqual([
      { tag: "stone", document_count: 2 },
      { tag: "water", document_count: 1 },
    ]);
    expect(await documents.listTags(localAccess, { ...page, after: "stone" })).toHaveLength(1);
    expect((await documents.update(localAccess, tagged, { tags: [] })).tags).toEqual([]);
  });

  it("lets nobody see, use or name what belongs to others", async () => {
    const mine = await one();
    await collections.create(localAccess, "Mine");
    await documents.update(localAccess, mine, { tags: ["secret"], collections: ["Mine"] });
    const [theirs = ""] = await insert(1, stranger);
    const page = { search: undefined, after: undefined, limit: 10 };

    expect(await documents.listTags(stranger, page)).toEqual([]);
    expect(await collections.list(stranger, { before: undefined, limit: 10 })).toEqual([]);
    expect(await titles({ collection: "Mine" }, stranger)).toEqual([]);
    await expect(documents.update(stranger, theirs, { collections: ["Mine"] })).rejects.toMatchObject({
      code: "collection_not_found",
    });
    const change = { action: "tag" as const, tags: ["x"] };
    expect(
      await documents.changes.many(stranger, { filter: { ids: [mine] }, change, signal: never }),
    ).toMatchObject({
      matched: 0,
      changed: 0,
      failed: 1,
      errors: [{ id: mine, code: "document_not_found" }],
    });
    await expect(documents.restore(stranger, mine)).rejects.toMatchObject({ code: "document_not_found" });
    await expect(documents.remove(stranger, mine, { forever: true })).rejects.toMatchObject({
      code: "document_not_found",
    });
    expect((await documents.get(localAccess, mine)).tags).toEqual(["secret"]);
  });

  it("has one collection of a name, whatever its case", async () => {
    const made = await collections.create(localAccess, "Mills");
    const other = await collections.create(localAccess, "Rivers");

    await expect(collections.create(localAccess, "MILLS")).rejects.toMatchObject({
      code: "collection_exists",
    });
    await expect(collections.rename(localAccess, other.id, "mills")).rejects.toMatchObject({
      code: "collection_exists",
    });
    await collections.remove(localAccess, "mILLS");
    await expect(collections.get(localAccess, made.id)).rejects.toMatchObject({
      code: "collection_not_found",
    });
  });

  it("keeps all of a document in the trash, and shows nothing of it", async () => {
    const id = await one();
    await makeSearchable(id);
    await documents.update(localAccess, id, { tags: ["kept"] });
    const before = await rowsOf(id);

    await documents.remove(localAccess, id);

    expect(await rowsOf(id)).toBe(before);
    await expect(documents.get(localAccess, id)).rejects.toMatchObject({ code: "document_not_found" });
    await expect(documents.text(localAccess, id, { offset: 0, limit: 9 })).rejects.toMatchObject({
      code: "document_not_found",
    });
    expect(await documents.exists(localAccess, id)).toBe(false);
    expect(await titles({})).toEqual([]);
    expect(await titles({ trash: "only" })).toEqual(["Mill 1"]);
    const { stream } = await documents.export(localAccess, { format: "jsonl", withOriginals: false });
    expect(await text(stream)).toBe("");
    expect(await documents.stats(localAccess)).toMatchObject({ total: 0, trashed: 1 });
    const hidden = await sql`SELECT FROM search_source WHERE hidden_at IS NOT NULL`.execute(
      opened.database.queryable,
    );
    expect(hidden.rows).toHaveLength(1);
  });

  it("brings back all of it without another look at its bytes", async () => {
    const id = await one();
    await makeSearchable(id);
    await documents.update(localAccess, id, { tags: ["kept"] });
    await documents.remove(localAccess, id);

    const restored = await documents.restore(localAccess, id);

    expect(restored).toMatchObject({
      id,
      status: "completed",
      tags: ["kept"],
      trashed_at: null,
      job_id: null,
    });
    expect(await documents.restore(localAccess, id)).toMatchObject({ id });
    const hidden = await sql`SELECT FROM search_source WHERE hidden_at IS NOT NULL`.execute(
      opened.database.queryable,
    );
    expect(hidden.rows).toHaveLength(0);
  });

  it("deletes for good what is in the trash when its time is over, with its file, and nothing else", async () => {
    const [due = "", early = "", kept = ""] = await insert(3);
    const { key } = await files.write(bytes("mill"), { maxBytes: 10 });
    await sql`UPDATE document SET file_key = ${key} WHERE id = ${due}`.execute(opened.database.queryable);
    await makeSearchable(due);
    await documents.remove(localAccess, due);
    await makeDue();
    await documents.remove(localAccess, early);

    expect(await purgeTrash(opened.database, { files, signal: never })).toBe(1);

    expect(await rowsOf(due)).toBe(0);
    await expect(files.read(key)).rejects.toMatchObject({ code: "stored_file_missing" });
    expect(await titles({ trash: "only" })).toEqual(["Mill 2"]);
    expect(await documents.get(localAccess, kept)).toMatchObject({ id: kept });
  });

  it("restores or purges, and never half of each, when both come at once", async () => {
    const ids = await insert(16);
    for (const id of ids) await makeSearchable(id);
    const filter = { ids };
    await documents.changes.many(localAccess, { filter, change: { action: "trash" }, signal: never });
    await makeDue();

    const [restored] = await Promise.all([
      Promise.allSettled(ids.toReversed().map((id) => documents.restore(localAccess, id))),
      purgeTrash(opened.database, { files, signal: never }),
    ]);

    const back = restored.flatMap((one) => (one.status === "fulfilled" ? [one.value.id] : []));
    const refused = restored.flatMap((one) => (one.status === "rejected" ? [errorCode(one.reason)] : []));
    expect(new Set(refused)).toEqual(new Set(refused.length === 0 ? [] : ["document_not_found"]));
    for (const id of ids) expect(await rowsOf(id)).toBe(back.includes(id) ? 3 : 0);
    const shown = await sql`SELECT FROM search_source WHERE hidden_at IS NULL`.execute(
      opened.database.queryable,
    );
    expect(shown.rows).toHaveLength(back.length);
  });

  it("deletes at once where there is no trash, and for good what is asked to", async () => {
    const without = new Documents({
      queue,
      files,
      settings: { TRASH_DAYS: 0, DUPLICATE_DOCUMENTS: "show" },
    });
    const [first = "", second = "", third = ""] = await insert(3);
    await documents.remove(localAccess, third);

    await without.remove(localAccess, first);
    await documents.remove(localAccess, second, { forever: true });
    await documents.remove(localAccess, third, { forever: true });

    expect(await Promise.all([first, second, third].map(rowsOf))).toEqual([0, 0, 0]);
  });

  it("changes many at once and says which it could not", async () => {
    const [running = "", ...rest] = await insert(4);
    await sql`UPDATE document SET status = 'processing' WHERE id = ${running}`.execute(
      opened.database.queryable,
    );
    const unknown = newId();
    const ids = [running, ...rest, unknown];

    const tagged = await documents.changes.many(localAccess, {
      filter: { ids },
      change: { action: "tag", tags: ["a"] },
      signal: never,
    });
    const again = await documents.changes.many(localAccess, {
      filter: { tag: "a" },
      change: { action: "tag", tags: ["a"] },
      signal: never,
    });
    const reprocessed = await documents.changes.many(localAccess, {
      filter: { search: "mill" },
      change: { action: "reprocess" },
      signal: never,
    });

    expect(tagged).toMatchObject({ matched: 4, changed: 4, failed: 1, errors: [{ id: unknown }] });
    expect(again).toMatchObject({ matched: 4, changed: 0, unchanged: 4, failed: 0 });
    expect(reprocessed).toMatchObject({
      changed: 3,
      failed: 1,
      errors: [{ id: running, code: "document_busy" }],
    });
  });

  it("counts first when asked to, and does nothing when the number is another", async () => {
    await insert(3);
    const request = { filter: { search: "mill" }, change: { action: "trash" }, signal: never } as const;

    expect(await documents.changes.many(localAccess, { ...request, isDryRun: true })).toMatchObject({
      matched: 3,
      changed: 0,
    });
    await expect(documents.changes.many(localAccess, { ...request, expectedCount: 2 })).rejects.toMatchObject(
      {
        code: "document_count_mismatch",
      },
    );
    expect(await titles({})).toHaveLength(3);
  });

  it("refuses to restore what is not in the trash, and to tag what is", async () => {
    const filter = { trashed: true };
    const tag = documents.changes.many(localAccess, {
      ...{ filter, signal: never },
      change: { action: "tag", tags: ["a"] },
    });
    const restore = documents.changes.many(localAccess, {
      filter: { trashed: false },
      ...{ change: { action: "restore" }, signal: never },
    });

    await expect(tag).rejects.toMatchObject({ code: "trash_choice_not_fit" });
    await expect(restore).rejects.toMatchObject({ code: "trash_choice_not_fit" });
  });

  it("leaves many to a job, which does them, what another attempt left and nothing that came later", async () => {
    await insert(130);
    const handler = handleChangeMany({
      database: opened.database,
      files,
      queue: () => queue,
      trashDays: 30,
    });

    const { job, matched } = await documents.changes.many(localAccess, {
      filter: { search: "mill" },
      change: { action: "trash" },
      signal: never,
    });
    await insert(1);
    const { input } = await readJobDetail(opened.database.queryable, job?.id ?? "");
    const run = { owner: localAccess.workspaceId, transaction: queue.transaction.bind(queue) };
    const first = await runInline(handler, input, run);
    const second = await runInline(handler, input, run);

    expect([matched, job?.task]).toEqual([130, "documents.change_many"]);
    expect(first.output).toMatchObject({ matched: 130, changed: 130, failed: 0 });
    expect(second.output).toMatchObject({ matched: 0, changed: 0, failed: 0 });
    expect(await documents.stats(localAccess)).toMatchObject({ total: 1, trashed: 130 });
  });

  const takingWith = (policy: "show" | "keep" | "reject") => {
    const taking = new Documents({ queue, files, settings: { TRASH_DAYS: 30, DUPLICATE_DOCUMENTS: policy } });
    const accept = async (access: Access) => {
      const content = { kind: "text", text: "The same bytes." } as const;
      const taken = await taking.accept(access, { content, title: undefined, idempotency: undefined });
      if (taken.kind === "replay") throw new Error("nothing was taken in");
      return taken.accepted.document;
    };
    return { taking, accept };
  };

  it("names the first of the same bytes, as long as it is there", async () => {
    const { taking, accept } = takingWith("show");
    await accept(stranger);
    const first = await accept(localAccess);

    const second = await accept(localAccess);
    await taking.remove(localAccess, first.id);
    const third = await accept(localAccess);

    expect([first, second, third].map((one) => one.duplicate_of)).toEqual([null, first.id, second.id]);
    expect((await taking.get(localAccess, second.id)).duplicate_of).toBeNull();
  });

  it("says nothing of the same bytes where they are kept", async () => {
    const { accept } = takingWith("keep");
    await accept(localAccess);

    expect((await accept(localAccess)).duplicate_of).toBeNull();
  });

  it("refuses the same bytes where it is to, unless the others are in the trash", async () => {
    const { taking, accept } = takingWith("reject");
    const first = await accept(localAccess);

    await expect(accept(localAccess)).rejects.toMatchObject({ code: "duplicate_document" });
    await taking.remove(localAccess, first.id);
    expect((await accept(localAccess)).duplicate_of).toBeNull();
  });

  it("takes one of two equal uploads that come at once, where duplicates are refused", async () => {
    const settings = { TRASH_DAYS: 30, DUPLICATE_DOCUMENTS: "reject" } as const;
    const taking = new Documents({ queue, files, settings });
    const content = { kind: "text", text: "At once." } as const;
    const all = await Promise.allSettled(
      Array.from({ length: 6 }, () =>
        taking.accept(localAccess, { content, title: undefined, idempotency: undefined }),
      ),
    );

    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await titles({})).toHaveLength(1);
  });

  it("gives the document of the first of two requests with one key, where duplicates are refused", async () => {
    const { taking } = takingWith("reject");
    const content = { kind: "text", text: "Once." } as const;
    const idempotency = { key: "once", route: "POST /api/documents", fingerprint: "same" };
    const request = { content, title: undefined, idempotency };

    const both = await Promise.all([
      taking.accept(localAccess, request),
      taking.accept(localAccess, request),
    ]);

    expect(both.map(({ kind }) => kind).toSorted()).toEqual(["new", "replay"]);
    expect(await titles({})).toHaveLength(1);
  });

  it("narrows a search to tags and collections", async () => {
    const [tagged = ""] = await insert(2);
    await collections.create(localAccess, "Mills");
    await documents.update(localAccess, tagged, { tags: ["a"], collections: ["mills"] });
    const empty = {
      ...{ titles: [], fileTypes: [], languages: [], sentiments: [], createdAfter: [], createdBefore: [] },
      ...{ tags: [], collections: [] },
    };
    const idsOf = async (filter: { tags?: string[]; collections?: string[] }) => {
      const query = documentsToSearch(localAccess.workspaceId, { ...empty, ...filter });
      if (query === undefined) throw new Error("it lets all through");
      const found = await sql<{ id: string }>`${query}`.execute(opened.database.queryable);
      return found.rows.map(({ id }) => id);
    };

    expect(await idsOf({ tags: ["a"] })).toEqual([tagged]);
    expect(await idsOf({ collections: ["MILLS"] })).toEqual([tagged]);
    expect(await idsOf({ tags: ["a"], collections: ["others"] })).toEqual([]);
    expect(documentsToSearch(localAccess.workspaceId, empty)).toBeUndefined();
  });
});

async function* bytes(content: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content);
}
