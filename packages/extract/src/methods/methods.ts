import type { Method, MethodName } from "./method.ts";

/**
 * The implementation of each method, loaded when it is first used: a child that reads text files
 * never pays for the PDF libraries.
 */
export const methods: Readonly<Record<MethodName, () => Promise<Method>>> = {
  pdfjs: async () => (await import("./pdf/pdfjs.ts")).extractWithPdfjs,
  pdfium: async () => (await import("./pdf/pdfium.ts")).extractWithPdfium,
  mammoth: async () => (await import("./docx/mammoth.ts")).extractWithMammoth,
  "docx-walker": async () => (await import("./docx/docx-walker.ts")).extractWithWalker,
  sheetjs: async () => (await import("./spreadsheet/sheetjs.ts")).extractWorkbook,
  "sheetjs-xls": async () => (await import("./spreadsheet/sheetjs.ts")).extractLegacyWorkbook,
  "xlsx-walker": async () => (await import("./spreadsheet/xlsx-walker.ts")).extractWithSheetWalker,
  officeparser: async () => (await import("./office/officeparser.ts")).extractOfficeTree,
  "officeparser-rtf": async () => (await import("./office/officeparser.ts")).extractRtfTree,
  "pptx-walker": async () => (await import("./presentation/pptx-walker.ts")).extractWithSlideWalker,
  "odf-walker": async () => (await import("./opendocument/odf-walker.ts")).extractWithContentWalker,
  "rtf-scanner": async () => (await import("./rtf/rtf-scanner.ts")).extractWithRtfScanner,
  "html-to-text": async () => (await import("./html/html-file.ts")).extractHtmlTree,
  "html-stripper": async () => (await import("./html/html-file.ts")).extractHtmlTags,
  markdown: async () => (await import("./plain/plain-text.ts")).extractMarkdown,
  "markdown-latin1": async () => (await import("./plain/plain-text.ts")).extractMarkdownLatin1,
  "plain-text": async () => (await import("./plain/plain-text.ts")).extractPlainText,
  "plain-text-latin1": async () => (await import("./plain/plain-text.ts")).extractPlainTextLatin1,
  "csv-parse": async () => (await import("./csv/csv-parse.ts")).extractWithCsvParse,
  papaparse: async () => (await import("./csv/papaparse.ts")).extractWithPapaparse,
  picture: async () => (await import("./ocr/picture.ts")).describePicture,
  "recognise-page": async () => (await import("./ocr/recognise-page.ts")).recognisePage,
  mailparser: async () => (await import("./mail/mailparser.ts")).extractWithMailparser,
  "postal-mime": async () => (await import("./mail/postal-mime.ts")).extractWithPostalMime,
};
