import type { ExtractionWarning } from "../../extracted-text.ts";
import { maxHtmlTreeBytes } from "../../limits.ts";
import { decodeText } from "../../text/decode-text.ts";
import type { DecodedText } from "../../text/decode-text.ts";
import type { Archive } from "../archive/archive.ts";
import { readPartBytes } from "../archive/package-parts.ts";
import type { Relations } from "../archive/package-parts.ts";
import { decodeHtml } from "../html/html-file.ts";
import { htmlToText } from "../html/html-text.ts";

/** What stands in for parts of a document, by the id of the relation that names it. */
export type ImportedParts = {
  readonly texts: ReadonlyMap<string, string>;
  readonly warnings: readonly ExtractionWarning[];
};

/** The names of the parts in other formats that Word takes in when it opens the document (`altChunk`), by their ids. */
export function findImportedParts(archive: Archive, relations: Relations): ReadonlyMap<string, string> {
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
export async function readImportedParts(archive: Archive, relations: Relations): Promise<ImportedParts> {
  const texts = new Map<string, string>();
  const warnings: ExtractionWarning[] = [];
  let left = maxHtmlTreeBytes;
  for (const [id, name] of findImportedParts(archive, relations)) {
    left -= archive.parts.get(name)?.uncompressedSize ?? 0;
    const read = left < 0 ? undefined : await readImported(archive, name);
    warnings.push(...(read?.warnings ?? [leftOut(name)]));
    texts.set(id, read?.text ?? "");
  }
  return { texts, warnings };
}

type Imported = Pick<DecodedText, "text" | "warnings">;

async function readImported(archive: Archive, name: string): Promise<Imported | undefined> {
  const bytes = await readPartBytes(archive, name, maxHtmlTreeBytes);
  if (/\.txt$/i.test(name)) return decodeText(bytes);
  if (/\.(?:mht|mhtml|eml)$/i.test(name)) return { text: await readWebMail(bytes), warnings: [] };
  if (!/\.x?html?$/i.test(name)) return undefined;
  const { text, warnings } = decodeHtml(bytes);
  return { text: htmlToText(text).text, warnings };
}

async function readWebMail(bytes: Buffer): Promise<string> {
  // Other documents need no reader of mail, and each process would load it.
  const { parseMessage } = await import("../mail/mailparser.ts");
  const page = await parseMessage(bytes);
  return page.html === false ? (page.text ?? "") : htmlToText(page.html).text;
}

function leftOut(name: string): ExtractionWarning {
  const message = `The document takes in ${name}, which is too large or in a format that is not read there.`;
  return { code: "attachment_left_out", message };
}
