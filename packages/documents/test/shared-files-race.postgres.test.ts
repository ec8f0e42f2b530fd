import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { localAccess, silentLogger } from "@millrace/kernel";
import { Queue } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createFileStore, Documents } from "../src/index.ts";
import type { FileStore } from "../src/index.ts";

/** The two transactions that meet over one file, stopped in their midst: needs several connections. */
let opened: TestDatabase;
let queue: Queue;
let directory: string;
let files: FileStore;
/** Held up until then; at the latest when the test is over. */
let goesOn: PromiseWithResolvers<void>;

beforeEach(async () => {
  goesOn = Promise.withResolvers();
  const kind = testDatabases().find(({ name }) => name === "postgres");
  if (kind === undefined) throw new Error("There is no PostgreSQL on this machine");
  opened = await kind.open();
  queue = new Queue({ database: opened.database, logger: silentLogger, handlers: [] });
  directory = await mkdtemp(join(tmpdir(), "millrace-shared-race-"));
  files = createFileStore({ directory });
  await files.start();
});
afterEach(async () => {
  goesOn.resolve();
  await files.stop();
  await opened.close();
  await rm(directory, { recursive: true });
});

async function upload(documents: Documents): Promise<string> {
  const file = await files.write(Readable.from([Buffer.from("The mill.")]), { maxBytes: 1000 });
  const { key: fileKey, size, sha256 } = file;
  const taken = await documents.accept(localAccess, {
    content: { kind: "file", fileKey, fileName: "mill.txt", fileType: "text", size, sha256 },
    title: undefined,
    idempotency: undefined,
  });
  return taken.kind === "new" ? taken.accepted.document.id : "";
}

const untilWaiting = () =>
  expect
    .poll(async () => {
      const found = await sql`
        SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(opened.database.queryable);
      return found.rows.length;
    })
    .toBe(1);

it("keeps the file that an upload is about to share when its only document is deleted", async () => {
  const documents = new Documents({ queue, files });
  const first = await upload(documents);
  const isChosen = Promise.withResolvers<void>();
  const has: FileStore["has"] = async (key) => {
    const isThere = await files.has(key);
    isChosen.resolve();
    await goesOn.promise;
    return isThere;
  };

  const second = upload(new Documents({ queue, files: { ...files, has } }));
  await isChosen.promise;
  const deleted = documents.remove(localAccess, first, { forever: true });
  await untilWaiting();
  goesOn.resolve();
  await deleted;

  const { key } = await documents.original(localAccess, await second);
  expect(Buffer.from(await files.read(key)).toString()).toBe("The mill.");
});

it("gives an upload a file of its own when the only document that had one is being deleted", async () => {
  const documents = new Documents({ queue, files });
  const first = await upload(documents);
  const { key: former } = await documents.original(localAccess, first);
  const isDeleting = Promise.withResolvers<void>();
  const deleting = opened.database.transaction(async (transaction) => {
    await sql`DELETE FROM document WHERE id = ${first}`.execute(transaction);
    isDeleting.resolve();
    await goesOn.promise;
  });
  await isDeleting.promise;

  const second = upload(documents);
  await untilWaiting();
  goesOn.resolve();
  await deleting;

  const { key } = await documents.original(localAccess, await second);
  expect(key).not.toBe(former);
  expect(await files.has(key)).toBe(true);
});
