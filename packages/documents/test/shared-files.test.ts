import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { localAccess, newId, silentLogger } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import { Queue } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createFileStore, Documents, purgeTrash } from "../src/index.ts";
import type { FileStore } from "../src/index.ts";
import { lockSharedFile } from "../src/files/shared-file.ts";
import { insertDocuments } from "./insert-documents.ts";

const stranger: Access = { workspaceId: newId(), personId: newId() };
const never = new AbortController().signal;
const rounds = process.env.MILLRACE_NIGHTLY === "1" ? 500 : 20;

describe.each(testDatabases())("files of equal bytes, on $name", (kind) => {
  let opened: TestDatabase;
  let queue: Queue;
  let directory: string;
  let files: FileStore;
  let documents: Documents;
  beforeAll(async () => {
    opened = await kind.open();
    const { queryable } = opened.database;
    await sql`INSERT INTO workspace (id, name) VALUES (${stranger.workspaceId}, 'other')`.execute(queryable);
    await sql`INSERT INTO person (id, name) VALUES (${stranger.personId}, 'other')`.execute(queryable);
    queue = new Queue({ database: opened.database, logger: silentLogger, handlers: [] });
  });
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "millrace-shared-"));
    files = createFileStore({ directory });
    await files.start();
    documents = new Documents({ queue, files });
  });
  afterEach(async () => {
    await sql`DELETE FROM document`.execute(opened.database.queryable);
    await files.stop();
    await rm(directory, { recursive: true });
  });
  afterAll(() => opened.close());

  /** Takes the text in as a file, and gives the document's id. */
  const upload = async (text: string, access = localAccess, taking = documents): Promise<string> => {
    const file = await files.write(Readable.from([Buffer.from(text)]), { maxBytes: 1000 });
    const { key: fileKey, size, sha256 } = file;
    const taken = await taking.accept(access, {
      content: { kind: "file", fileKey, fileName: "mill.txt", fileType: "text", size, sha256 },
      title: undefined,
      idempotency: undefined,
    });
    if (taken.kind === "replay") throw new Error("nothing was taken in");
    return taken.accepted.document.id;
  };
  const read = async (id: string, access = localAccess): Promise<string> => {
    const { key } = await documents.original(access, id);
    return Buffer.from(await files.read(key)).toString();
  };
  const deleteForGood = (id: string, access = localAccess, deleting = documents) =>
    deleting.remove(access, id, { forever: true });
  const filesOnDisk = async (): Promise<string[]> => {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  };
  /** A document as it was stored when files were named by a UUID alone. */
  const insertOld = async (text: string): Promise<{ readonly id: string; readonly key: string }> => {
    const [id = ""] = await insertDocuments(opened.database.queryable, localAccess, {
      ...{ count: 1, title: "Old", text },
    });
    const key = `0a/${newId()}`;
    const hash = createHash("sha256").update(text).digest("hex");
    await mkdir(join(directory, "files", dirname(key)), { recursive: true });
    await writeFile(join(directory, "files", key), text);
    await sql`UPDATE document SET file_key = ${key}, content_hash = ${hash} WHERE id = ${id}`.execute(
      opened.database.queryable,
    );
    return { id, key };
  };

  it("are one file, named by its hash, whoever sent them", async () => {
    const ids = [await upload("The mill."), await upload("The mill."), await upload("Another mill.")];
    const theirs = await upload("The mill.", stranger);

    const hash = createHash("sha256").update("The mill.").digest("hex");
    expect((await filesOnDisk()).filter((name) => name.startsWith(hash))).toHaveLength(1);
    expect(await filesOnDisk()).toHaveLength(2);
    expect(await Promise.all(ids.map((id) => read(id)))).toEqual(["The mill.", "The mill.", "Another mill."]);
    expect(await read(theirs, stranger)).toBe("The mill.");
  });

  it("are one file when they come at once", async () => {
    const owners = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? localAccess : stranger));

    const ids = await Promise.all(owners.map((access) => upload("At once.", access)));

    expect(await filesOnDisk()).toHaveLength(1);
    expect(await Promise.all(ids.map((id, index) => read(id, owners[index])))).toEqual(
      owners.map(() => "At once."),
    );
  });

  it("stay as long as a document has them, and then go", async () => {
    const [first, second] = [await upload("The mill."), await upload("The mill.", stranger)];

    await deleteForGood(first);
    expect(await read(second, stranger)).toBe("The mill.");
    await deleteForGood(second, stranger);
    expect(await filesOnDisk()).toEqual([]);
  });

  it("stay as long as a document in the trash has them, and go when the last is purged", async () => {
    const [first, second] = [await upload("The mill."), await upload("The mill.")];
    const makeDue = (id: string) =>
      sql`UPDATE document SET purge_at = now(), status = 'completed' WHERE id = ${id}`.execute(
        opened.database.queryable,
      );
    for (const id of [first, second]) await documents.remove(localAccess, id);

    await makeDue(first);
    expect(await purgeTrash(opened.database, { files, signal: never })).toBe(1);
    await documents.restore(localAccess, second);
    expect(await read(second)).toBe("The mill.");

    await documents.remove(localAccess, second);
    await makeDue(second);
    expect(await purgeTrash(opened.database, { files, signal: never })).toBe(1);
    expect(await filesOnDisk()).toEqual([]);
  });

  it("stay when another upload of them is refused", async () => {
    const settings = { TRASH_DAYS: 30, DUPLICATE_DOCUMENTS: "reject" } as const;
    const refusing = new Documents({ queue, files, settings });
    const first = await upload("The mill.", localAccess, refusing);

    await expect(upload("The mill.", localAccess, refusing)).rejects.toMatchObject({
      code: "duplicate_document",
    });
    expect(await filesOnDisk()).toHaveLength(1);
    expect(await read(first)).toBe("The mill.");
  });

  it("stay when who removes them comes so late that they have been taken in again", async () => {
    const first = await upload("The mill.");
    const isRemoving = Promise.withResolvers<void>();
    const goesOn = Promise.withResolvers<void>();
    const remove: FileStore["remove"] = async (key) => {
      isRemoving.resolve();
      await goesOn.promise;
      await files.remove(key);
    };
    const deleting = new Documents({ queue, files: { ...files, remove } });

    const deleted = deleteForGood(first, localAccess, deleting);
    await isRemoving.promise;
    const second = await upload("The mill.");
    goesOn.resolve();
    await deleted;

    expect(await read(second)).toBe("The mill.");
    expect(await filesOnDisk()).toHaveLength(1);
  });

  it(`are never lost in ${rounds} rounds of uploads against deletions`, { timeout: 300_000 }, async () => {
    let there = await Promise.all([upload("The mill."), upload("The mill.")]);
    for (let round = 0; round < rounds; round++) {
      const [fresh] = await Promise.all([
        Promise.all([upload("The mill."), upload("The mill.")]),
        Promise.all(there.map((id) => deleteForGood(id))),
      ]);
      expect(await Promise.all(fresh.map((id) => read(id)))).toEqual(["The mill.", "The mill."]);
      there = fresh;
    }

    for (const id of there) await deleteForGood(id);
    expect(await filesOnDisk()).toEqual([]);
  });

  it("are stored again when the file that a document had is missing", async () => {
    const first = await upload("The mill.");
    await files.remove((await documents.original(localAccess, first)).key);

    const second = await upload("The mill.");

    expect(await read(second)).toBe("The mill.");
  });

  it("are served and deleted under the names of before too", async () => {
    const { id, key } = await insertOld("The mill.");
    const fresh = await upload("The mill.");

    expect(await read(id)).toBe("The mill.");
    await deleteForGood(id);
    expect(await files.has(key)).toBe(false);
    expect(await read(fresh)).toBe("The mill.");
    expect(await filesOnDisk()).toHaveLength(1);
  });

  it("finds them by the index of keys", async () => {
    await upload("The mill.");
    const plan = await opened.database.transaction(async (transaction) => {
      await sql`SET LOCAL enable_seqscan = off`.execute(transaction);
      const explained = await sql<Record<string, string>>`EXPLAIN ${lockSharedFile("0".repeat(64))}`.execute(
        transaction,
      );
      return explained.rows.map((row) => row["QUERY PLAN"]).join("\n");
    });

    expect(plan).toMatch(/Index Scan Backward using document_file_key[\s\S]*Index Cond: .*file_key >=/u);
    expect(plan).not.toContain("Sort");
  });
});
