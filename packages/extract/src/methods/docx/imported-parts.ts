import { simpleParser } from "mailparser";
import type { ExtractionWarning } from "../../extracted-text.ts";
import { maxHtmlTreeBytes } from "../../limits.ts";
import { decodeText } from "../../text/decode-text.ts";
import type { Archive } from "../archive/archive.ts";
import { readRelations } from "../archive/package-parts.ts";
import { declaredEncoding } from "../html/html-file.ts";
import { htmlToText } from "../html/html-text.ts";

/** What stands in for parts of a document, by the id of the relation that names it. */
export type ImportedParts = {
  readonly texts: ReadonlyMap<string, string>;
  readonly warnings: readonly ExtractionWarning[];
};

/** The names of the parts in other formats that Word takes in when it opens the document (`altChunk`), by their ids. */
export async function findImportedParts(
  archive: Archive,
  main: string,
): Promise<ReadonlyMap<string, string>> {
  const relations = await readRelations(archive, main);
  return new Map(
    [...relations].flatMap(([id, { type, target }]) =>
      type === "aFChunk" && archive.parts.has(target) ? [[id, target] as const] : [],
    ),
  );
}

/**
 * Reads those of them that programs write which make a DOCX from a web page: HTML, HTML as a mail (MHT), and plain text.
 * One in another format or of more than 10 MB becomes a warning.
 */
export async function readImportedParts(archive: Archive, main: string): Promise<ImportedParts> {
  const texts = new Map<string, string>();
  const warnings: ExtractionWarning[] = [];
  let left = maxHtmlTreeBytes;
  for (const [id, name] of await findImportedParts(archive, main)) {
    left -= archive.parts.get(name)?.uncompressedSize ?? 0;
    const text = left < 0 ? undefined : await readImported(name, await readWhole(archive, name));
    if (text === undefined) warnings.push(leftOut(name));
    else texts.set(id, text);
  }
  return { texts, warnings };
}

async function readImported(name: string, bytes: Buffer): Promise<string | undefined> {
  if (/\.x?html?$/i.test(name)) return readHtml(bytes);
  if (/\.(?:mht|mhtml|eml)$/i.test(name)) return await readWebMail(bytes);
  return /\.txt$/i.test(name) ? decodeText(bytes).text : undefined;
}

function readHtml(bytes: Uint8Array): string {
  return htmlToText(decodeText(bytes, declaredEncoding(bytes)).text).text;
}

async function readWebMail(bytes: Buffer): Promise<string> {
  const page = await simpleParser(bytes, {
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipImageLinks: true,
  });
  return page.html === false ? (page.text ?? "") : htmlToText(page.html).text;
}

async function readWhole(archive: Archive, name: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive.read(name)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function leftOut(name: string): ExtractionWarning {
  const message = `The document takes in ${name}, which is too large or in a format that is not read there.`;
  return { code: "attachment_left_out", message };
}
