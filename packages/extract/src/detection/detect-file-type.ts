import { fileTypeFromBuffer } from "file-type";
import { fileEmpty, fileEncryptedOrLegacy, fileTypeMismatch, unsupportedFileType } from "../errors.ts";
import type { FileType } from "../extracted-text.ts";
import { headBytes } from "../limits.ts";
import {
  describeDetected,
  describeProgram,
  richText,
  unknownBinary,
  vectorImage,
  xmlDocument,
  zipArchive,
} from "./known-formats.ts";
import type { KnownFormat } from "./known-formats.ts";
import { asciiBeginning, beginsLikeHtml, beginsLikeXml, isCleanText, looksLikeText } from "./text-sniff.ts";

export type DetectedFile = { readonly type: FileType; readonly mediaType: string };

const mediaTypes: Readonly<Record<FileType, string>> = {
  pdf: "application/pdf",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  html: "text/html",
  markdown: "text/markdown",
  text: "text/plain",
};

const extensions: ReadonlyMap<string, FileType> = new Map([
  ["pdf", "pdf"],
  ["docx", "docx"],
  ["docm", "docx"],
  ["html", "html"],
  ["htm", "html"],
  ["xhtml", "html"],
  ["md", "markdown"],
  ["markdown", "markdown"],
  ["mkd", "markdown"],
  ["mdx", "markdown"],
  ["txt", "text"],
  ["text", "text"],
]);

/**
 * What a file is, from the first bytes (64 KB are enough) and, for text formats, its name. Content
 * wins over the extension. Throws `file_empty`, `unsupported_file_type`, `file_encrypted_or_legacy`,
 * or `file_type_mismatch` when a document's name hides a program or a second format.
 */
export async function detectFileType(file: {
  readonly head: Uint8Array;
  readonly fileName: string | null;
  readonly size: number;
}): Promise<DetectedFile> {
  if (file.size === 0 || file.head.length === 0) throw fileEmpty();
  const head = file.head.subarray(0, headBytes);
  const extension = extensionOf(file.fileName);
  refusePrograms(head, extension);
  const type = pdfType(head, extension) ?? (await binaryType(head, extension)) ?? textType(head, extension);
  return { type, mediaType: mediaTypes[type] };
}

/** The lower-case extension; names come from strangers, so only their last 20 characters are read. */
function extensionOf(fileName: string | null): string {
  const match = /\.([a-z0-9]{1,10})$/i.exec(fileName?.slice(-20).trimEnd() ?? "");
  return match?.[1]?.toLowerCase() ?? "";
}

function refusePrograms(head: Uint8Array, extension: string): void {
  const program = describeProgram(head);
  if (program === undefined) return;
  if (extensions.has(extension)) throw fileTypeMismatch(program, extension);
  throw unsupportedFileType(program, false);
}

/** PDF readers accept the marker anywhere in the first KB, so a PDF can begin as a web page. */
function pdfType(head: Uint8Array, extension: string): FileType | undefined {
  const markerAt = Buffer.from(head.subarray(0, 1024)).indexOf("%PDF-");
  if (markerAt < 0) return extension === "pdf" && hasPdfObjects(head) ? "pdf" : undefined;
  const before = asciiBeginning(head.subarray(0, markerAt));
  if (/^<(?:!doctype|html|head|body|script|svg)/i.test(before))
    throw fileTypeMismatch("a web page and a PDF at once", extension === "" ? "pdf" : extension);
  const isProse = extension !== "pdf" && /\S/.test(before) && looksLikeText(head);
  return isProse ? undefined : "pdf";
}

/** Some programs forget the marker; readers open such files all the same. */
function hasPdfObjects(head: Uint8Array): boolean {
  return /\d \d+ obj\s*<</.test(Buffer.from(head.subarray(0, 1024)).toString("latin1"));
}

async function binaryType(head: Uint8Array, extension: string): Promise<FileType | undefined> {
  // A head that ends inside a structure makes the library throw; that says nothing about the file.
  const found = await fileTypeFromBuffer(head).catch(() => undefined);
  if (found === undefined) return undefined;
  if (found.ext === "pdf") return "pdf";
  if (found.ext === "cfb") throw fileEncryptedOrLegacy();
  if (found.ext === "docx" || found.ext === "docm" || found.ext === "dotx" || found.ext === "dotm")
    return "docx";
  if (found.ext === "zip") return zipType(head, extension);
  if (found.ext === "rtf") throw refusal(richText);
  // Short magic numbers also occur at the beginning of ordinary text; text formats decide below.
  if (found.mime === "application/xml" || isCleanText(head)) return undefined;
  throw refusal(describeDetected(found.ext, found.mime));
}

/** An archive whose part list lies beyond the head: the names of its first parts tell. */
function zipType(head: Uint8Array, extension: string): FileType {
  const bytes = Buffer.from(head);
  if (bytes.includes("word/")) return "docx";
  if (bytes.includes("xl/")) throw refusal(describeDetected("xlsx", ""));
  if (bytes.includes("ppt/")) throw refusal(describeDetected("pptx", ""));
  if (extension === "docx" || extension === "docm") return "docx";
  throw refusal(zipArchive);
}

function textType(head: Uint8Array, extension: string): FileType {
  if (!looksLikeText(head)) throw refusal(unknownBinary);
  const beginning = asciiBeginning(head);
  if (beginning.startsWith("{\\rtf")) throw refusal(richText);
  if (beginsLikeHtml(beginning)) return "html";
  const xml = beginsLikeXml(beginning);
  const byName = extensions.get(extension);
  if (xml === "svg") throw refusal(vectorImage);
  if (xml === "xml" && byName === undefined) throw refusal(xmlDocument);
  return byName === "html" || byName === "markdown" ? byName : "text";
}

function refusal(format: KnownFormat): Error {
  return unsupportedFileType(format.name, format.isPlanned);
}
