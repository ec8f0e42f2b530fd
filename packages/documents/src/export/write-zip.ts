import { PassThrough, Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { toError, errorCode } from "@millrace/kernel";
import { ZipFile } from "yazl";
import type { FileStore } from "../files/index.ts";
import { createEntryNames, safeEnding } from "./entry-names.ts";
import type { Exported } from "./read-exported.ts";
import { toExportedDocument } from "./write-json.ts";
import { toMarkdown } from "./write-markdown.ts";

/**
 * A zip with `NAME.md` and `NAME.json` of each document and, when the files are given, `originals/NAME.…`. What
 * stays in memory is the name of each entry, which stands again at the end of an archive. A document whose file is
 * not in the store any more says so in its JSON, and the others still come.
 */
export async function* writeZip(
  documents: AsyncIterable<Exported>,
  files: FileStore | undefined,
): AsyncGenerator<Uint8Array> {
  const zip = new ZipFile();
  const output = zip.outputStream.pipe(new PassThrough());
  zip.on("error", (error: unknown) => output.destroy(toError(error)));
  const left = new AbortController();
  const filling = fill(zip, documents, { files, signal: left.signal }).catch((error: unknown) => {
    output.destroy(toError(error));
  });
  try {
    yield* output;
  } finally {
    // Nobody takes the archive any more: what is being added would wait for ever.
    left.abort();
    await filling;
  }
}

async function fill(
  zip: ZipFile,
  documents: AsyncIterable<Exported>,
  { files, signal }: { readonly files: FileStore | undefined; readonly signal: AbortSignal },
): Promise<void> {
  const nameOf = createEntryNames();
  const add = (name: string, stream: Readable, changedAt: string): Promise<void> =>
    addEntry(zip, { name, stream, changedAt, signal });
  for await (const exported of documents) {
    const { document, fileKey } = exported;
    const ending = safeEnding(document.file_name);
    const name = nameOf(withoutEnding(document.title, ending));
    const original = files === undefined || fileKey === null ? undefined : await openFile(files, fileKey);
    const originalName = original && `originals/${name}${ending}`;
    try {
      const text = await exported.readText();
      const json = {
        ...toExportedDocument(exported, text),
        ...(files === undefined ? {} : { original: originalName ?? null }),
      };
      await add(`${name}.md`, textStream(toMarkdown(exported, text)), document.updated_at);
      await add(`${name}.json`, textStream(`${JSON.stringify(json, null, 2)}\n`), document.updated_at);
      if (original && originalName) await add(originalName, original, document.created_at);
    } finally {
      original?.destroy();
    }
  }
  zip.end();
}

/** Resolves when the archive has taken the whole stream, which it does as fast as somebody takes the archive. */
async function addEntry(
  zip: ZipFile,
  entry: {
    readonly name: string;
    readonly stream: Readable;
    readonly changedAt: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { name, stream, changedAt, signal } = entry;
  signal.throwIfAborted();
  zip.addReadStream(stream, name, { mtime: new Date(changedAt), mode: 0o100644 });
  try {
    await finished(stream, { signal });
  } finally {
    stream.destroy();
  }
}

/** A file that was never given a title is called as it was: `report.pdf` is to be `report.md` here. */
function withoutEnding(title: string, ending: string): string {
  return ending !== "" && title.toLowerCase().endsWith(ending) ? title.slice(0, -ending.length) : title;
}

function textStream(text: string): Readable {
  return Readable.from([Buffer.from(text)]);
}

async function openFile(files: FileStore, key: string): Promise<Readable | undefined> {
  try {
    return await files.open(key);
  } catch (error) {
    if (errorCode(error) === "stored_file_missing") return undefined;
    throw error;
  }
}
