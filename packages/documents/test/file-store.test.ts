import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { errorCode } from "@millrace/kernel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFileStore } from "../src/files/file-store.ts";
import type { FileStore } from "../src/files/file-store.ts";

const twoHoursAgo = new Date(Date.now() - 7_200_000);

let directory: string;
let store: FileStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-files-"));
  store = createFileStore({ directory });
  await store.start();
});

afterEach(async () => {
  await store.stop();
  await rm(directory, { recursive: true, force: true });
});

const pathOf = (key: string): string => join(directory, "files", key);

async function filesOnDisk(): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function* failingAfter(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
  throw new Error("the sender went away");
}

async function* chunks(count: number, size: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index += 1) yield new Uint8Array(size);
}

describe("the file store", () => {
  it("keeps the bytes and tells size, hash and head", async () => {
    const content = randomBytes(300_000);

    const stored = await store.write(Readable.from([content.subarray(0, 7), content.subarray(7)]), {
      maxBytes: 300_000,
    });

    expect(stored.size).toBe(300_000);
    expect(stored.sha256).toBe(createHash("sha256").update(content).digest("hex"));
    expect(Buffer.from(stored.head).equals(content.subarray(0, 65_536))).toBe(true);
    expect(Buffer.from(await store.read(stored.key)).equals(content)).toBe(true);
    expect(await buffer(await store.open(stored.key, { start: 5, end: 9 }))).toEqual(content.subarray(5, 10));
  });

  it("names files by their bytes, never twice, and lets only this user read them", async () => {
    const { key, sha256 } = await store.write(Readable.from([Buffer.from("x")]), { maxBytes: 10 });
    const again = await store.write(Readable.from([Buffer.from("x")]), { maxBytes: 10 });

    for (const one of [key, again.key])
      expect(one).toMatch(new RegExp(`^${sha256.slice(0, 2)}/${sha256}\\.[0-9a-f-]{36}$`));
    expect(again.key).not.toBe(key);
    expect((await stat(pathOf(key))).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(pathOf(key)))).mode & 0o777).toBe(0o700);
    expect((await stat(join(directory, "files"))).mode & 0o777).toBe(0o700);
  });

  it("accepts exactly the limit", async () => {
    const stored = await store.write(chunks(4, 256), { maxBytes: 1024 });

    expect(stored.size).toBe(1024);
  });

  it("refuses one byte more and leaves nothing", async () => {
    const write = store.write(chunks(5, 205), { maxBytes: 1024 });

    await expect(write.catch(errorCode)).resolves.toBe("file_too_large");
    expect(await filesOnDisk()).toEqual([]);
  });

  it("leaves nothing when the stream fails half-way", async () => {
    const write = store.write(failingAfter(new Uint8Array(10)), { maxBytes: 1024 });

    await expect(write).rejects.toThrow("the sender went away");
    expect(await filesOnDisk()).toEqual([]);
  });

  it("leaves nothing when the stream is destroyed half-way", async () => {
    const stream = new Readable({ read: () => undefined });
    stream.push(new Uint8Array(10));
    const write = store.write(stream, { maxBytes: 1024 });

    stream.destroy();

    await expect(write).rejects.toThrow("Premature close");
    expect(await filesOnDisk()).toEqual([]);
  });

  it("removes a file, and again without complaint", async () => {
    const { key } = await store.write(chunks(1, 5), { maxBytes: 10 });

    expect(await store.has(key)).toBe(true);
    await store.remove(key);
    await store.remove(key);

    expect(await store.has(key)).toBe(false);
    await expect(store.read(key).catch(errorCode)).resolves.toBe("stored_file_missing");
    await expect(store.open(key).catch(errorCode)).resolves.toBe("stored_file_missing");
  });

  it("says of a file that is not in this folder that another process may see it", async () => {
    const { key } = await store.write(chunks(1, 5), { maxBytes: 10 });
    const path = await store.locate(key);
    await store.remove(key);

    expect(path).toBe(pathOf(key));
    await expect(store.locate(key)).rejects.toMatchObject({ code: "stored_file_missing", retryable: true });
  });

  it.each([
    "../../etc/passwd",
    "aa/../../x",
    "/etc/passwd",
    "",
    "aa/b",
    "aa/00000000-0000-0000-0000-00000000000/",
  ])("never makes a path of the foreign key %j", async (key) => {
    await expect(store.locate(key).catch(errorCode)).resolves.toBe("stored_file_missing");
    await expect(store.open(key).catch(errorCode)).resolves.toBe("stored_file_missing");
    expect(await store.has(key)).toBe(false);
  });

  it("removes old files that no row knows, and keeps known and young ones", async () => {
    const known = await store.write(chunks(1, 5), { maxBytes: 10 });
    const orphan = await store.write(chunks(1, 5), { maxBytes: 10 });
    const young = await store.write(chunks(1, 5), { maxBytes: 10 });
    await utimes(pathOf(known.key), twoHoursAgo, twoHoursAgo);
    await utimes(pathOf(orphan.key), twoHoursAgo, twoHoursAgo);

    const removed = await store.removeOrphans(async () => new Set([known.key]), 3_600_000);

    expect(removed).toBe(1);
    expect((await filesOnDisk()).toSorted()).toEqual([pathOf(known.key), pathOf(young.key)].toSorted());
  });

  it("removes uploads that a killed process left unfinished, at the next start", async () => {
    const stale = join(directory, "unfinished", "stale");
    const fresh = join(directory, "unfinished", "fresh");
    await writeFile(stale, "half");
    await writeFile(fresh, "half");
    await utimes(stale, twoHoursAgo, twoHoursAgo);

    await createFileStore({ directory }).start();

    expect(await filesOnDisk()).toEqual([fresh]);
  });

  it("waits for a running write before it has stopped, and then takes no more", async () => {
    const stream = new Readable({ read: () => undefined });
    const write = store.write(stream, { maxBytes: 10 });
    let isStopped = false;
    const stopping = store.stop().then(() => {
      isStopped = true;
    });

    expect(isStopped).toBe(false);
    stream.push(new Uint8Array(3));
    stream.push(null);
    const stored = await write;
    await stopping;

    expect(stored.size).toBe(3);
    await expect(store.write(chunks(1, 1), { maxBytes: 10 }).catch(errorCode)).resolves.toBe(
      "file_store_stopped",
    );
  });
});
