import { buildDocx, paragraph } from "./docx.ts";
import * as documents from "./hostile-documents.ts";
import * as pdf from "./hostile-pdf.ts";
import { endlessPdf } from "./pdf.ts";

export type HostileFile = {
  readonly kind: string;
  readonly fileName: string;
  readonly make: () => Buffer;
  /** "read", or the error codes it may end with; two where the machine decides which limit comes first. */
  readonly ends: readonly string[];
};

/** They need seconds of a core: where others take it, the time may end before. */
const inTime = ["read", "extraction_limit_time"];

/** Which comes first depends on the machine. */
const limits = ["extraction_limit_memory", "extraction_limit_time"];

/** Files that end within a second or so. */
export const smallHostileFiles: readonly HostileFile[] = [
  file("PDF with a script without end", "a.pdf", pdf.pdfWithScript, "read"),
  file("PDF that claims ten million pages", "a.pdf", () => pdf.pdfThatClaimsPages(10_000_000), "read"),
  file("PDF with a tree of pages in itself", "a.pdf", pdf.pdfWithTreeInItself, "read"),
  file("PDF with a deep tree of pages", "a.pdf", () => pdf.pdfWithDeepTree(1_000), "read"),
  file("PDF with deep brackets", "a.pdf", () => pdf.pdfWithDeepArray(50_000), "read"),
  file("PDF with an index in itself", "a.pdf", pdf.pdfWithIndexInItself, "read"),
  file("PDF with a lost index", "a.pdf", pdf.pdfWithLostIndex, "read"),
  file("PDF with a DOCX behind", "a.pdf", pdf.pdfWithArchiveBehind, "read"),
  file("PDF of packed text", "a.pdf", () => pdf.pdfOfPackedText(pdf.drawnLine, 5_000, 1), "read"),
  file("PDF packed twice", "a.pdf", () => pdf.pdfOfPackedText(pdf.blanks, 200_000, 2), "no_text_found"),
  file("DOCX of entities of entities", "a.docx", () => documents.docxWithLaughs(9), "file_damaged"),
  file("DOCX of too many parts", "a.docx", () => documents.docxOfManyParts(10_001), "extraction_limit_size"),
  file("HTML of unclosed tags", "a.html", () => documents.htmlOfUnclosedTags(20_000), "read"),
  file("HTML with a long attribute", "a.html", () => documents.htmlWithLongAttribute(2_000_000), "read"),
  file("HTML of many paragraphs", "a.html", () => documents.htmlOfManyParagraphs(20_000), "read"),
  file("mail to many", "a.eml", () => documents.mailToMany(200_000), "file_damaged"),
  file(
    "mail with a large attachment",
    "a.eml",
    () => documents.mailWithAttachment(40_000_000),
    "extraction_limit_size",
  ),
];

/** As large as they may be uploaded: some take minutes, and all the memory that they may. */
export const largeHostileFiles: readonly HostileFile[] = [
  file("PDF of fifty thousand pages", "a.pdf", () => pdf.pdfOfManyPages(50_000), ...inTime),
  file(
    "PDF of one page repeated a million times",
    "a.pdf",
    () => pdf.pdfOfOnePageRepeated(1_000_000),
    ...inTime,
  ),
  file("PDF with a very deep tree of pages", "a.pdf", () => pdf.pdfWithDeepTree(20_000), ...inTime),
  file("PDF with very deep brackets", "a.pdf", () => pdf.pdfWithDeepArray(500_000), ...inTime),
  file(
    "PDF of a gigabyte of packed text",
    "a.pdf",
    () => pdf.pdfOfPackedText(pdf.drawnLine, 16_000_000, 1),
    ...limits,
  ),
  file(
    "PDF of four gigabytes packed twice",
    "a.pdf",
    () => pdf.pdfOfPackedText(pdf.blanks, 40_000_000, 2),
    ...limits,
  ),
  file("PDF with a drawing in itself", "a.pdf", pdf.pdfWithFormInItself, ...inTime),
  file("PDF of endless drawings", "a.pdf", endlessPdf, "extraction_limit_time"),
  file(
    "DOCX of paragraphs without end",
    "a.docx",
    () => buildDocx({ body: paragraph("x").repeat(2_000_000) }),
    ...inTime,
  ),
  file("DOCX of the most parts", "a.docx", () => documents.docxOfManyParts(65_535), "extraction_limit_size"),
  file("HTML of very many unclosed tags", "a.html", () => documents.htmlOfUnclosedTags(100_000), "read"),
  file(
    "HTML with a very long attribute",
    "a.html",
    () => documents.htmlWithLongAttribute(50_000_000),
    "read",
  ),
  file("HTML of a million paragraphs", "a.html", () => documents.htmlOfManyParagraphs(1_300_000), ...inTime),
  file("mail to half a million", "a.eml", () => documents.mailToMany(500_000), "file_damaged"),
  file(
    "mail with an attachment of 60 MB",
    "a.eml",
    () => documents.mailWithAttachment(60_000_000),
    "extraction_limit_size",
  ),
];

function file(
  kind: string,
  fileName: string,
  make: HostileFile["make"],
  ...ends: readonly string[]
): HostileFile {
  return { kind, fileName, make, ends };
}
