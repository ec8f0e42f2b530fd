import type { Entry, ZipFile } from "yauzl";
import { maxXmlPartBytes, maxZipEntries, maxZipTotalBytes } from "../../limits.ts";
import { MethodFailure } from "../method-failure.ts";
import { openZip } from "./open-zip.ts";

/** What readers take apart; in XLSB the sheets are binary. */
const parsedParts = /(?:\.(?:xml|rels)|^xl\/(?:worksheets\/)?[^/]+\.bin)$/i;

/** The parts of an office file that passed the checks, by name. Close it when done. */
export type Archive = {
  readonly parts: ReadonlyMap<string, Entry>;
  /** The bytes of a part in chunks, or nothing when it is missing; the declared size is enforced. */
  readonly read: (name: string) => AsyncIterable<Uint8Array>;
  readonly close: () => void;
};

/**
 * Opens an office file (a zip archive) by its central directory alone, so that a bomb is refused before anything is
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

async function open(path: string): Promise<ZipFile> {
  try {
    return await openZip(path);
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
    if (parsedParts.test(entry.fileName) && entry.uncompressedSize > maxXmlPartBytes) {
      throw new MethodFailure(
        "extraction_limit_size",
        `a part of ${entry.uncompressedSize} bytes, at most ${maxXmlPartBytes}`,
      );
    }
    if (entry.isEncrypted()) throw new MethodFailure("file_encrypted_or_legacy", "encrypted parts");
    // The first of two parts with one name, as office programs read it.
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

/**
 * Refuses what would grow too large in a library that builds a tree of everything: the XML parts are
 * unpacked once and thrown away, so that a forged size is found as well. Throws `declined` above the
 * size that fits a tree.
 */
export async function verifyXmlParts(archive: Archive, maxBytes: number): Promise<void> {
  const names = [...archive.parts.keys()].filter((name) => parsedParts.test(name));
  const declared = names.reduce((sum, name) => sum + (archive.parts.get(name)?.uncompressedSize ?? 0), 0);
  if (declared > maxBytes) throw new MethodFailure("declined", "too large for a document tree");
  for (const name of names) await verifyPart(archive, name);
}

async function verifyPart(archive: Archive, name: string): Promise<void> {
  for await (const chunk of archive.read(name)) void chunk;
}
