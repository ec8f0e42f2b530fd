import { openPromise } from "yauzl";
import type { Entry, ZipFile } from "yauzl";
import { maxXmlPartBytes, maxZipEntries, maxZipTotalBytes } from "../../limits.ts";
import { MethodFailure } from "../method-failure.ts";

/** The parts of a DOCX that passed the checks, by name. Close it when done. */
export type Archive = {
  readonly parts: ReadonlyMap<string, Entry>;
  /** The bytes of a part in chunks, or nothing when it is missing; the declared size is enforced. */
  readonly read: (name: string) => AsyncIterable<Uint8Array>;
  readonly close: () => void;
};

/**
 * Opens a DOCX by its central directory alone, so that a bomb is refused before anything is
 * unpacked. Throws `extraction_limit_size` for too many or too large parts, `file_damaged` otherwise.
 */
export async function openArchive(path: string): Promise<Archive> {
  const zip = await open(path);
  try {
    const parts = await readDirectory(zip);
    return { parts, read: (name) => readPart(zip, parts.get(name)), close: () => zip.close() };
  } catch (error) {
    zip.close();
    throw asFailure(error);
  }
}

/** Unpacks a part without keeping it, so that a forged size is found before a tree is built of it. */
export async function verifyPart(archive: Archive, name: string): Promise<number> {
  let total = 0;
  for await (const chunk of archive.read(name)) total += chunk.length;
  return total;
}

async function open(path: string): Promise<ZipFile> {
  try {
    return await openPromise(path, { lazyEntries: true, autoClose: false, validateEntrySizes: true });
  } catch (error) {
    throw asFailure(error);
  }
}

async function readDirectory(zip: ZipFile): Promise<ReadonlyMap<string, Entry>> {
  if (zip.entryCount > maxZipEntries) {
    throw new MethodFailure("extraction_limit_size", `${zip.entryCount} parts, at most ${maxZipEntries}`);
  }
  const parts = new Map<string, Entry>();
  let total = 0;
  for await (const entry of zip.eachEntry()) {
    total += entry.uncompressedSize;
    if (total > maxZipTotalBytes) {
      throw new MethodFailure("extraction_limit_size", `more than ${maxZipTotalBytes} bytes unpacked`);
    }
    if (/\.(?:xml|rels)$/i.test(entry.fileName) && entry.uncompressedSize > maxXmlPartBytes) {
      throw new MethodFailure(
        "extraction_limit_size",
        `a part of ${entry.uncompressedSize} bytes, at most ${maxXmlPartBytes}`,
      );
    }
    if (entry.isEncrypted()) throw new MethodFailure("file_encrypted_or_legacy", "encrypted parts");
    // The first of two parts with one name, as Word reads it.
    if (!parts.has(entry.fileName)) parts.set(entry.fileName, entry);
  }
  return parts;
}

async function* readPart(zip: ZipFile, entry: Entry | undefined): AsyncIterable<Uint8Array> {
  if (entry === undefined) return;
  try {
    for await (const chunk of await zip.openReadStreamPromise(entry)) {
      if (chunk instanceof Uint8Array) yield chunk;
    }
  } catch (error) {
    throw asFailure(error);
  }
}

function asFailure(error: unknown): MethodFailure {
  if (error instanceof MethodFailure) return error;
  // System errors carry a call; what the library finds wrong with the archive does not.
  if (error instanceof Error && "syscall" in error) {
    return new MethodFailure("file_unreadable", "the file can't be opened", error);
  }
  return new MethodFailure("file_damaged", "the archive inside is broken", error);
}
