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
  "html-to-text": async () => (await import("./html/html-file.ts")).extractHtmlTree,
  "html-stripper": async () => (await import("./html/html-file.ts")).extractHtmlTags,
  markdown: async () => (await import("./plain/plain-text.ts")).extractMarkdown,
  "markdown-latin1": async () => (await import("./plain/plain-text.ts")).extractMarkdownLatin1,
  "plain-text": async () => (await import("./plain/plain-text.ts")).extractPlainText,
  "plain-text-latin1": async () => (await import("./plain/plain-text.ts")).extractPlainTextLatin1,
};
