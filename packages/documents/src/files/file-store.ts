import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { ReadStream } from "node:fs";
import { access, chmod, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMillraceError, newId } from "@millrace/kernel";
import type { Service } from "@millrace/kernel";
import {
  fileStoreStopped,
  fileTooLarge,
  storageFull,
  storedFileMissing,
  storedFileNotHere,
} from "./errors.ts";
import { isFileKey, newFileKey } from "./file-key.ts";

/** Enough to recognise a file by its first bytes and to guess the encoding of a text. */
const headBytes = 64 * 1024;

/** One question to the database per this many files when orphans are looked for. */
const orphanBatch = 500;

/** What is known of a file once it is safely on disk. */
export type StoredFile = {
  /** Names the file for the other operations; to be kept in the owning row. */
  readonly key: string;
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** The first 64 KB. */
  readonly head: Uint8Array;
};

/**
 * Where the bytes of uploads are, as they came; nothing that is made of them. That equal ones become one file is decided where documents are taken in and deleted
 * (`chooseFile`, `removeUnusedFile`); a store keeps each of its files under a key of its own (`newFileKey`). Besides
 * what is said below, a store in another place than a folder, such as an object store, has to promise:
 *
 * - What `write` resolved with is there for every process at once, and what `remove` removed is gone for `has`.
 * - A file is never changed, and no key is given twice. So copies may be kept wherever it is read.
 * - `remove` may come late or twice. It does no harm then: a key that was given up is not asked for again.
 * - `locate` gives a path all the same, to a copy of its own: extraction reads files in a child process.
 * - `has` is asked within a transaction, and answers quickly or fails.
 */
export type FileStore = Service & {
  /**
   * Stores the whole stream or nothing: when this resolves, the bytes survive a crash. Throws
   * `file_too_large` or `storage_full`, or what the stream failed with; then no file is left.
   */
  readonly write: (
    stream: AsyncIterable<Uint8Array>,
    options: { readonly maxBytes: number },
  ) => Promise<StoredFile>;
  /** A stream of the bytes, optionally of a range (`end` inclusive). Throws `stored_file_missing`. */
  readonly open: (
    key: string,
    range?: { readonly start: number; readonly end?: number },
  ) => Promise<ReadStream>;
  /** The whole content in memory. Throws `stored_file_missing`. */
  readonly read: (key: string) => Promise<Uint8Array>;
  /** Whether the file is there and can be reached. */
  readonly has: (key: string) => Promise<boolean>;
  /**
   * Where the file lies, for a child process to open. Throws `stored_file_missing`, retryable, when it is not there:
   * another process may see it.
   */
  readonly locate: (key: string) => Promise<string>;
  /** Idempotent: a file that is not there is fine. */
  readonly remove: (key: string) => Promise<void>;
  /**
   * Removes files older than this that no row knows, and unfinished uploads of that age. The age
   * protects files whose transaction has not committed yet. Resolves with the number removed.
   */
  readonly removeOrphans: (
    isKnown: (keys: readonly string[]) => Promise<ReadonlySet<string>>,
    olderThanMs: number,
  ) => Promise<number>;
};

/**
 * Keeps uploaded files under `directory`: `files/<2 hex>/<sha256>.<uuid>`, readable by this user only.
 * Nothing of a client's file name becomes part of a path.
 */
export function createFileStore(options: {
  readonly directory: string;
  /** Unfinished uploads older than this are removed at start. Default one hour: another process may share the folder. */
  readonly staleUploadMs?: number;
}): FileStore {
  const filesDirectory = join(options.directory, "files");
  const unfinishedDirectory = join(options.directory, "unfinished");
  const staleUploadMs = options.staleUploadMs ?? 3_600_000;
  const writing = new Set<Promise<unknown>>();
  let started: Promise<void> | undefined;
  let isStopped = false;

  const pathOf = (key: string): string => {
    if (!isFileKey(key)) throw storedFileMissing(key, undefined);
    return join(filesDirectory, key);
  };

  const prepare = async (): Promise<void> => {
    for (const directory of [filesDirectory, unfinishedDirectory]) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await chmod(directory, 0o700);
    }
    await removeOldFiles(unfinishedDirectory, staleUploadMs);
  };

  const locate: FileStore["locate"] = async (key) => {
    const path = pathOf(key);
    try {
      await access(path);
    } catch (error) {
      throw systemErrorCode(error) === "ENOENT" ? storedFileNotHere(key, error) : error;
    }
    return path;
  };

  const write: FileStore["write"] = async (stream, { maxBytes }) => {
    if (isStopped) throw fileStoreStopped();
    const work = store(stream, maxBytes, filesDirectory, unfinishedDirectory);
    writing.add(work);
    try {
      return await work;
    } finally {
      writing.delete(work);
    }
  };

  return {
    name: "file store",
    start: () => (started ??= prepare()),
    stop: async () => {
      isStopped = true;
      await Promise.allSettled(writing);
    },
    write,
    has: (key) =>
      locate(key).then(
        () => true,
        () => false,
      ),
    locate,
    open: async (key, range) => {
      const handle = await openExisting(pathOf(key), key);
      return createReadStream("", { fd: handle, ...range });
    },
    read: async (key) => {
      try {
        return await readFile(pathOf(key));
      } catch (error) {
        throw missingOr(error, key);
      }
    },
    remove: (key) => rm(pathOf(key), { force: true }),
    removeOrphans: async (isKnown, olderThanMs) =>
      (await removeUnknownFiles(filesDirectory, isKnown, olderThanMs)) +
      (await removeOldFiles(unfinishedDirectory, olderThanMs)),
  };
}

/** Temporary file, fsync, rename to its hash, fsync of the folder: a crash leaves the whole file or none. */
async function store(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
  filesDirectory: string,
  unfinishedDirectory: string,
): Promise<StoredFile> {
  const unfinishedPath = join(unfinishedDirectory, newId());
  try {
    const received = await receive(stream, unfinishedPath, maxBytes);
    const key = newFileKey(received.sha256);
    await putInPlace(unfinishedPath, join(filesDirectory, key));
    return { key, ...received };
  } catch (error) {
    await rm(unfinishedPath, { force: true });
    throw isDiskFull(error) ? storageFull(error) : error;
  }
}

async function putInPlace(unfinishedPath: string, path: string): Promise<void> {
  const shard = dirname(path);
  const isNewShard = (await mkdir(shard, { recursive: true, mode: 0o700 })) !== undefined;
  try {
    await rename(unfinishedPath, path);
    await syncDirectory(shard);
    if (isNewShard) await syncDirectory(dirname(shard));
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

async function receive(
  stream: AsyncIterable<Uint8Array>,
  path: string,
  maxBytes: number,
): Promise<Omit<StoredFile, "key">> {
  const hash = createHash("sha256");
  const head: Uint8Array[] = [];
  let size = 0;
  const handle = await open(path, "wx", 0o600);
  try {
    for await (const chunk of stream) {
      if (size + chunk.length > maxBytes) throw fileTooLarge(maxBytes);
      if (size < headBytes) head.push(chunk.subarray(0, headBytes - size));
      size += chunk.length;
      hash.update(chunk);
      await writeAll(handle, chunk);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { size, sha256: hash.digest("hex"), head: Buffer.concat(head) };
}

/** A write near a full disk may take only a part without an error. */
async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < chunk.length) {
    const { bytesWritten } = await handle.write(chunk, offset);
    offset += bytesWritten;
  }
}

async function syncDirectory(path: string): Promise<void> {
  // Windows can't open folders, and its file system keeps renames by itself.
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function openExisting(path: string, key: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    throw missingOr(error, key);
  }
}

async function removeUnknownFiles(
  filesDirectory: string,
  isKnown: (keys: readonly string[]) => Promise<ReadonlySet<string>>,
  olderThanMs: number,
): Promise<number> {
  let removed = 0;
  for (const shard of await readdir(filesDirectory)) {
    const keys: string[] = [];
    for (const name of await readdir(join(filesDirectory, shard))) {
      const key = `${shard}/${name}`;
      if (isFileKey(key) && (await isOlder(join(filesDirectory, key), olderThanMs))) keys.push(key);
    }
    for (let start = 0; start < keys.length; start += orphanBatch) {
      const batch = keys.slice(start, start + orphanBatch);
      const known = await isKnown(batch);
      const orphans = batch.filter((key) => !known.has(key));
      for (const key of orphans) await rm(join(filesDirectory, key), { force: true });
      removed += orphans.length;
    }
  }
  return removed;
}

async function removeOldFiles(directory: string, olderThanMs: number): Promise<number> {
  let removed = 0;
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (!(await isOlder(path, olderThanMs))) continue;
    await rm(path, { force: true });
    removed += 1;
  }
  return removed;
}

async function isOlder(path: string, ageMs: number): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs >= ageMs;
  } catch (error) {
    // Finished or removed by its owner meanwhile: not ours to touch.
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}

function missingOr(error: unknown, key: string): unknown {
  if (isMillraceError(error)) return error;
  return systemErrorCode(error) === "ENOENT" ? storedFileMissing(key, error) : error;
}

function isDiskFull(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

function systemErrorCode(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
