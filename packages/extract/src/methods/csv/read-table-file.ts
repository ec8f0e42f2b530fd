import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import Papa from "papaparse";
import { maxTableFileBytes } from "../../limits.ts";
import { decodeText } from "../../text/decode-text.ts";
import type { DecodedText } from "../../text/decode-text.ts";
import { MethodFailure } from "../method-failure.ts";

/** Enough rows to tell separators from punctuation. */
const sampleCharacters = 64 * 1024;
const sampleRows = 50;

export type TableFile = DecodedText & {
  readonly delimiter: string;
  /** True when the file is longer than what is read of it. */
  readonly isCut: boolean;
};

/**
 * The beginning of a file of separated values, as much as its text can need, decoded, and the separator
 * that fits its first rows best.
 */
export async function readTableFile(path: string): Promise<TableFile> {
  const { bytes, isCut } = await readBeginning(path);
  const decoded = decodeText(bytes);
  return { ...decoded, delimiter: guessDelimiter(decoded.text.slice(0, sampleCharacters)), isCut };
}

/**
 * The separator by which most of the first rows have as many cells as the very first, which names the
 * columns: a decimal comma further down does not count.
 */
function guessDelimiter(sample: string): string {
  const fits = [",", ";", "\t", "|"].map((delimiter) => {
    const { data } = Papa.parse<string[]>(sample, { delimiter, preview: sampleRows, skipEmptyLines: true });
    const columns = data[0]?.length ?? 0;
    const even = data.filter((row) => row.length === columns).length;
    return { delimiter, columns, share: columns < 2 ? 0 : even / data.length };
  });
  fits.sort((first, second) => second.share - first.share || second.columns - first.columns);
  return fits[0] === undefined || fits[0].share === 0 ? "," : fits[0].delimiter;
}

async function readBeginning(path: string): Promise<{ bytes: Uint8Array; isCut: boolean }> {
  await using file = await openFile(path);
  const { size } = await file.stat();
  const bytes = new Uint8Array(Math.min(size, maxTableFileBytes));
  let read = 0;
  while (read < bytes.length) {
    const { bytesRead } = await file.read(bytes, read, bytes.length - read, read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  const isCut = size > read;
  if (!isCut) return { bytes: bytes.subarray(0, read), isCut };
  // At the end of a row, which is also the end of a character; the second byte of it in UTF-16.
  const lineEnd = bytes.lastIndexOf(0x0a);
  const end = lineEnd < 0 ? read : lineEnd + (lineEnd % 2 === 0 && bytes[lineEnd + 1] === 0 ? 2 : 1);
  return { bytes: bytes.subarray(0, end), isCut };
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    throw new MethodFailure("file_unreadable", "the file can't be opened", error);
  }
}
