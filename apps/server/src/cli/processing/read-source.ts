import { open } from "node:fs/promises";
import path from "node:path";
import { addAbortSignal } from "node:stream";
import type { Readable } from "node:stream";
import type { FileType } from "@millrace/contracts";
import { fileNotFound, fileNotReadable, folderGiven, inputTooLarge } from "../errors.ts";
import { printableLine } from "../terminal/printable.ts";
import { shorten } from "../terminal/width.ts";
import type { Source } from "./processor.ts";

/** Of types that are not called by the usual ending of their files. */
const extensions: Readonly<Partial<Record<FileType, string>>> = { markdown: "md", text: "txt" };

/** How standard input is named on the command line. */
export const standardInputName = "-";

/** What a file is called in messages. */
export function shownName(file: string): string {
  if (file === standardInputName) return "standard input";
  return shorten(printableLine(path.basename(file)) || "untitled", 80);
}

export type ReadLimits = {
  /** Of input that is held in memory. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
};

/**
 * Finds what a name on the command line means. Throws `file_not_found`, `folder_given`,
 * `file_not_readable`, and for input that is read here `file_too_large` or why its type is refused.
 */
export async function readSource(file: string, limits: ReadLimits): Promise<Source> {
  if (file === standardInputName) return await sourceOfStream(process.stdin, "standard-input", limits);
  const shown = shorten(printableLine(file), 200);
  const handle = await open(file, "r").catch((error: unknown) => {
    throw openingFailed(error, shown);
  });
  try {
    const status = await handle.stat();
    if (status.isDirectory()) throw folderGiven(shown);
    if (status.isFile()) return { kind: "file", path: file, fileName: path.basename(file) };
    // A pipe, as the shell's <(…) makes one: it can be read only once.
    return await sourceOfStream(handle.createReadStream({ autoClose: false }), path.basename(file), limits);
  } finally {
    await handle.close();
  }
}

function openingFailed(error: unknown, shown: string): Error {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EISDIR") return folderGiven(shown);
  // A name that the file system can't hold, or that can't be one, is the name of no file.
  const isMissing = code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG";
  return isMissing || code === "ERR_INVALID_ARG_VALUE" ? fileNotFound(shown) : fileNotReadable(shown, error);
}

/** Text as if it had been pasted; anything else as a file of its kind. */
async function sourceOfStream(stream: Readable, stem: string, limits: ReadLimits): Promise<Source> {
  const bytes = await readBounded(stream, limits);
  // Only piped input needs it, and it takes a while to load.
  const { detectFileType, headBytes } = await import("@millrace/extract");
  const head = bytes.subarray(0, headBytes);
  const { type } = await detectFileType({ head, fileName: null, size: bytes.length });
  const text = type === "text" ? decodeUtf8(bytes) : undefined;
  if (text !== undefined) return { kind: "text", text };
  return { kind: "bytes", bytes, fileName: `${stem}.${extensions[type] ?? type}` };
}

async function readBounded(
  stream: Readable,
  { maxBytes, signal }: ReadLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of addAbortSignal(signal, stream)) {
      const bytes = chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk));
      size += bytes.length;
      if (size > maxBytes) throw inputTooLarge(maxBytes);
      chunks.push(bytes);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
  return Buffer.concat(chunks);
}

/** Undefined for other encodings: those are recognised where files are read. */
function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // Not UTF-8: taken as a file.
    return undefined;
  }
}
