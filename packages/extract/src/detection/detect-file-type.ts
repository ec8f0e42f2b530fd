import { fileTypeFromBuffer } from "file-type";
import { fileEmpty, fileTypeMismatch, unsupportedFileType } from "../errors.ts";
import type { FileType } from "../extracted-text.ts";
import { headBytes } from "../limits.ts";
import {
  describeDetected,
  describeProgram,
  unknownBinary,
  vectorImage,
  xmlDocument,
} from "./known-formats.ts";
import { archiveType, compoundType, officeType } from "./office-type.ts";
import { readableImages } from "./readable-formats.ts";
import {
  asciiBeginning,
  beginsLikeHtml,
  beginsLikeMail,
  beginsLikeXml,
  isCleanText,
  looksLikeText,
} from "./text-sniff.ts";

export type DetectedFile = { readonly type: FileType; readonly mediaType: string };

const mediaTypes: Readonly<Record<FileType, string>> = {
  pdf: "application/pdf",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  xls: "application/vnd.ms-excel",
  pptx: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  odt: "application/vnd.oasis.opendocument.text",
  ods: "application/vnd.oasis.opendocument.spreadsheet",
  odp: "application/vnd.oasis.opendocument.presentation",
  rtf: "application/rtf",
  html: "text/html",
  markdown: "text/markdown",
  text: "text/plain",
  csv: "text/csv",
  tsv: "text/tab-separated-values",
  eml: "message/rfc822",
  image: "image/*",
};

const extensions: ReadonlyMap<string, FileType> = new Map([
  ["pdf", "pdf"],
  ["docx", "docx"],
  ["docm", "docx"],
  ["xlsx", "xlsx"],
  ["xlsm", "xlsx"],
  ["xlsb", "xlsx"],
  ["xls", "xls"],
  ["pptx", "pptx"],
  ["pptm", "pptx"],
  ["odt", "odt"],
  ["ods", "ods"],
  ["odp", "odp"],
  ["rtf", "rtf"],
  ["html", "html"],
  ["htm", "html"],
  ["xhtml", "html"],
  ["md", "markdown"],
  ["markdown", "markdown"],
  ["mkd", "markdown"],
  ["mdx", "markdown"],
  ["txt", "text"],
  ["text", "text"],
  ["csv", "csv"],
  ["tsv", "tsv"],
  ["tab", "tsv"],
  ["eml", "eml"],
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
  throw unsupportedFileType({ name: program, isPlanned: false });
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
  if (beginsLikeTiff(head)) return "image";
  // A head that ends inside a structure makes the library throw; that says nothing about the file.
  const found = await fileTypeFromBuffer(head).catch(() => undefined);
  if (found === undefined) return undefined;
  if (found.ext === "pdf") return "pdf";
  if (found.ext === "cfb") return compoundType(head, extension);
  const office = officeType(found.ext) ?? (found.ext === "zip" ? archiveType(head, extension) : undefined);
  if (office !== undefined) return office;
  if (readableImages.has(found.ext)) return "image";
  // Short magic numbers also occur at the beginning of ordinary text; text formats decide below.
  if (found.mime === "application/xml" || isCleanText(head)) return undefined;
  throw unsupportedFileType(describeDetected(found.ext, found.mime));
}

function textType(head: Uint8Array, extension: string): FileType {
  if (!looksLikeText(head)) throw unsupportedFileType(unknownBinary);
  const beginning = asciiBeginning(head);
  if (beginning.startsWith("{\\rtf")) return "rtf";
  if (beginsLikeHtml(beginning)) return "html";
  const xml = beginsLikeXml(beginning);
  const byName = extensions.get(extension);
  if (xml === "svg") throw unsupportedFileType(vectorImage);
  if (xml === "xml" && byName === undefined) throw unsupportedFileType(xmlDocument);
  if (byName !== undefined && namedTextTypes.has(byName)) return byName;
  return beginsLikeMail(beginning) ? "eml" : "text";
}

/** Its description may lie at the end of the file, where the library would look for it. */
function beginsLikeTiff(head: Uint8Array): boolean {
  const mark = Buffer.from(head.subarray(0, 4)).toString("latin1");
  return mark === "II*\u0000" || mark === "MM\u0000*";
}

/** Text that only its name tells from plain text. */
const namedTextTypes: ReadonlySet<FileType> = new Set(["html", "markdown", "csv", "tsv", "eml"]);
