import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { getDocument, PasswordResponses } from "pdfjs-dist/legacy/build/pdf.mjs";
import type { PDFDocumentProxy, PDFPageProxy } from "pdfjs-dist/legacy/build/pdf.mjs";
import type { TextItem } from "pdfjs-dist/types/src/display/api.js";
import { maxPdfPageCharacters, maxPdfPages, maxTextFileBytes } from "../../limits.ts";
import { MethodFailure } from "../method-failure.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { readBytes } from "../read-bytes.ts";
import { readAnnotations } from "./annotations.ts";
import { assembleLines } from "./lines.ts";
import { joinParagraphs } from "./paragraphs.ts";
import { describePages } from "./pages.ts";
import { resolvePresentationForms } from "./presentation-forms.ts";

/** Reads a PDF with PDF.js: the best results with CJK fonts, and form values and notes besides. */
export async function extractWithPdfjs(input: MethodInput): Promise<MethodOutput> {
  const bytes = await readBytes(input.path, maxTextFileBytes);
  const root = dirname(createRequire(import.meta.url).resolve("pdfjs-dist/package.json"));
  const folder = (name: string): string => join(root, name) + sep;
  const loading = getDocument({
    data: bytes,
    ...(input.password === undefined ? {} : { password: input.password }),
    // Plain paths with a trailing separator: with file: URLs the character maps are not found.
    cMapUrl: folder("cmaps"),
    cMapPacked: true,
    standardFontDataUrl: folder("standard_fonts"),
    wasmUrl: folder("wasm"),
    disableFontFace: true,
    useSystemFonts: false,
    verbosity: 0,
  });
  try {
    return await readDocument(await loading.promise, input);
  } catch (error) {
    throw asFailure(error);
  } finally {
    await loading.destroy();
  }
}

function asFailure(error: unknown): MethodFailure {
  if (error instanceof MethodFailure) return error;
  if (error instanceof Error && error.name === "PasswordException") {
    const isWrong = "code" in error && error.code === PasswordResponses.INCORRECT_PASSWORD;
    return isWrong
      ? new MethodFailure("pdf_password_wrong", "the password does not open it", error)
      : new MethodFailure("pdf_encrypted", "a password is needed", error);
  }
  return new MethodFailure("file_damaged", "not a readable PDF", error);
}

async function readDocument(document: PDFDocumentProxy, input: MethodInput): Promise<MethodOutput> {
  const pageCount = Math.min(document.numPages, maxPdfPages);
  const parts: string[] = [];
  let failedPages = 0;
  let isTruncated = false;
  for (let pageNumber = 1; pageNumber <= pageCount; pageNumber += 1) {
    // One unreadable page does not cost the others.
    const page = await readPage(document, pageNumber).catch(() => undefined);
    if (page === undefined) failedPages += 1;
    isTruncated ||= page?.isTruncated === true;
    parts.push(page?.text ?? "");
    input.reportPages(pageNumber, pageCount);
  }
  return {
    parts,
    hasPages: true,
    title: await readTitle(document),
    encoding: null,
    ...describePages({ parts, declaredPages: document.numPages, failedPages, isTruncated }),
  };
}

type PageText = { readonly text: string; readonly isTruncated: boolean };

async function readPage(document: PDFDocumentProxy, pageNumber: number): Promise<PageText> {
  const page = await document.getPage(pageNumber);
  try {
    const { items, isTruncated } = await readItems(page);
    const text = resolvePresentationForms(joinParagraphs(assembleLines(items)));
    const notes = await readAnnotations(page, text);
    return { text: notes === "" ? text : `${text}\n\n${notes}`, isTruncated };
  } finally {
    page.cleanup();
  }
}

/** Streamed, so that a page made to fill memory is cut instead of collected. */
async function readItems(page: PDFPageProxy): Promise<{ items: readonly TextItem[]; isTruncated: boolean }> {
  const reader = page.streamTextContent().getReader();
  const items: TextItem[] = [];
  let characters = 0;
  while (characters < maxPdfPageCharacters) {
    const chunk = await reader.read();
    if (chunk.done) return { items, isTruncated: false };
    for (const item of textItems(chunk.value)) {
      items.push(item);
      characters += item.str.length + 1;
    }
  }
  await reader.cancel(new Error("The page holds more text than a page can."));
  return { items, isTruncated: true };
}

function textItems(chunk: unknown): readonly TextItem[] {
  if (typeof chunk !== "object" || chunk === null || !("items" in chunk) || !Array.isArray(chunk.items)) {
    return [];
  }
  return chunk.items.filter(isTextItem);
}

/** Marked-content items have no text. */
function isTextItem(item: unknown): item is TextItem {
  return typeof item === "object" && item !== null && "str" in item && typeof item.str === "string";
}

async function readTitle(document: PDFDocumentProxy): Promise<string | null> {
  const metadata = await document.getMetadata().catch(() => undefined);
  const facts: unknown = metadata?.info;
  if (typeof facts !== "object" || facts === null || !("Title" in facts)) return null;
  return typeof facts.Title === "string" ? meaningfulTitle(facts.Title) : null;
}

/** Programs write the name of their own file as the title; that is no title. */
function meaningfulTitle(title: string): string | null {
  const isFileName = /\.(?:docx?|pptx?|xlsx?|odt|tex|dvi|indd|pdf|qxd|rtf|fm)$/i.test(title.trim());
  const isPlaceholder = /^(?:untitled|microsoft \w+ - |about:blank|print|document\d*$)/i.test(title.trim());
  return isFileName || isPlaceholder ? null : title;
}
