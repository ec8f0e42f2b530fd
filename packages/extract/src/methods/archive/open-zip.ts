import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { fromRandomAccessReaderPromise, RandomAccessReader } from "yauzl";
import type { ZipFile } from "yauzl";

/** The record at the end of an archive, and the longest comment that may follow it. */
const endRecordBytes = 22;
const maxCommentBytes = 0xffff;
const endSignature = Buffer.from("PK\u0005\u0006", "latin1");

/** Opens an archive, sizes of its entries enforced. What follows its end is left out: some programs append zeros. */
export async function openZip(path: string): Promise<ZipFile> {
  const size = await findEnd(path);
  return await fromRandomAccessReaderPromise(new FileReader(path), size, {
    lazyEntries: true,
    autoClose: false,
    validateEntrySizes: true,
  });
}

async function findEnd(path: string): Promise<number> {
  const { size } = await stat(path);
  await using file = await open(path, "r");
  const tail = Buffer.alloc(Math.min(size, endRecordBytes + maxCommentBytes));
  await file.read(tail, 0, tail.length, size - tail.length);
  const at = tail.lastIndexOf(endSignature);
  if (at < 0 || at + endRecordBytes > tail.length) return size;
  const end = at + endRecordBytes + tail.readUInt16LE(at + endRecordBytes - 2);
  return Math.min(size, size - tail.length + end);
}

class FileReader extends RandomAccessReader {
  readonly #path: string;

  constructor(path: string) {
    super();
    this.#path = path;
  }

  /** `end` is exclusive here and inclusive there. */
  override _readStreamForRange(start: number, end: number): Readable {
    return createReadStream(this.#path, { start, end: Math.max(start, end - 1) });
  }
}
