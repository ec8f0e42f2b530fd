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
import { readByColumns } from "./columns.ts";
import { dropDoubled } from "./doubled.ts";
import { HeadingFinder } from "./headings.ts";
import { readHeadingTags } from "./heading-tags.ts";
import type { HeadingTag } from "./heading-tags.ts";
import { assembleLines } from "./lines.ts";
import { joinParagraphs } from "./paragraphs.ts";
import { describePages } from "./pages.ts";
import { resolvePresentationForms } from "./presentation-forms.ts";
import { groupRows } from "./rows.ts";
import { standUpright } from "./upright.ts";

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
  let doubledCharacters = 0;
  let isTruncated = false;
  const headings = new HeadingFinder();
  const isTagged = await readIsTagged(document);
  for (let pageNumber = 1; pageNumber <= pageCount; pageNumber += 1) {
    // One unreadable page does not cost the others.
    const page = await readPage(document, pageNumber, { headings, isTagged }).catch(() => undefined);
    if (page === undefined) failedPages += 1;
    doubledCharacters += page?.doubledCharacters ?? 0;
    isTruncated ||= page?.isTruncated === true;
    parts.push(page?.text ?? "");
    input.reportPages(pageNumber, pageCount);
  }
  return {
    parts: headings.markHeadings(parts),
    hasPages: true,
    title: await readTitle(document),
    encoding: null,
    ...describePages({
      parts,
      declaredPages: document.numPages,
      failedPages,
      doubledCharacters,
      isTruncated,
    }),
  };
}

type PageText = {
  readonly text: string;
  readonly doubledCharacters: number;
  readonly isTruncated: boolean;
};

/** Where a footnote or a program has the sign of a heading at the start of a line; moved in, it is none. */
const signLikeHeading = /^(?=#{1,6}\s)/gm;

/** Whether the file says of itself that its structure tree names what its text is. */
async function readIsTagged(document: PDFDocumentProxy): Promise<boolean> {
  const mark: unknown = await document.getMarkInfo().catch(() => null);
  return mark instanceof Map && mark.get("Marked") === true;
}

async function readPage(
  document: PDFDocumentProxy,
  pageNumber: number,
  { headings, isTagged }: { readonly headings: HeadingFinder; readonly isTagged: boolean },
): Promise<PageText> {
  const page = await document.getPage(pageNumber);
  try {
    const tags = isTagged ? await readHeadingTags(page) : new Map<string, HeadingTag>();
    const { items, tagged, monospaced, isTruncated } = await readItems(page, tags);
    standUpright(items);
    const seen = dropDoubled(items);
    const lines = assembleLines(readByColumns(groupRows(seen)), tagged);
    const paragraphs = joinParagraphs(lines).map((paragraph) => ({
      ...paragraph,
      text: resolvePresentationForms(paragraph.text).replace(signLikeHeading, " "),
    }));
    const text = headings.addPage(pageNumber - 1, paragraphs, monospaced);
    const notes = await readAnnotations(page, text);
    return {
      text: notes === "" ? text : `${text}\n\n${notes}`,
      doubledCharacters: countCharacters(items) - countCharacters(seen),
      isTruncated,
    };
  } finally {
    page.cleanup();
  }
}

function countCharacters(items: readonly TextItem[]): number {
  return items.reduce((sum, { str }) => sum + str.length, 0);
}

type PageItems = {
  readonly items: readonly TextItem[];
  readonly tagged: ReadonlyMap<TextItem, HeadingTag>;
  readonly monospaced: ReadonlySet<string>;
  readonly isTruncated: boolean;
};

/** Streamed, so that a page made to fill memory is cut instead of collected. */
async function readItems(page: PDFPageProxy, tags: ReadonlyMap<string, HeadingTag>): Promise<PageItems> {
  const reader = page.streamTextContent({ includeMarkedContent: tags.size > 0 }).getReader();
  const items: TextItem[] = [];
  const tagged = new Map<TextItem, HeadingTag>();
  const monospaced = new Set<string>();
  /** The tags of the marked content that is open, innermost last. */
  const open: (HeadingTag | undefined)[] = [];
  let characters = 0;
  while (characters < maxPdfPageCharacters) {
    const chunk = await reader.read();
    if (chunk.done) return { items, tagged, monospaced, isTruncated: false };
    for (const font of monospacedFonts(chunk.value)) monospaced.add(font);
    for (const item of itemsOf(chunk.value)) {
      if (!isTextItem(item)) {
        followMark(item, open, tags);
        continue;
      }
      const tag = open.at(-1);
      if (tag !== undefined) tagged.set(item, tag);
      items.push(item);
      characters += item.str.length + 1;
    }
  }
  await reader.cancel(new Error("The page holds more text than a page can."));
  return { items, tagged, monospaced, isTruncated: true };
}

function itemsOf(chunk: unknown): readonly unknown[] {
  if (typeof chunk !== "object" || chunk === null || !("items" in chunk)) return [];
  return Array.isArray(chunk.items) ? chunk.items : [];
}

function monospacedFonts(chunk: unknown): readonly string[] {
  if (typeof chunk !== "object" || chunk === null || !("styles" in chunk)) return [];
  const styles: unknown = chunk.styles;
  if (typeof styles !== "object" || styles === null) return [];
  return Object.entries(styles).flatMap(([font, style]: [string, unknown]) =>
    typeof style === "object" && style !== null && "fontFamily" in style && style.fontFamily === "monospace"
      ? [font]
      : [],
  );
}

/** Marked-content items have no text. */
function isTextItem(item: unknown): item is TextItem {
  return typeof item === "object" && item !== null && "str" in item && typeof item.str === "string";
}

/** What is marked within a heading belongs to it. */
function followMark(
  item: unknown,
  open: (HeadingTag | undefined)[],
  tags: ReadonlyMap<string, HeadingTag>,
): void {
  if (typeof item !== "object" || item === null || !("type" in item)) return;
  if (item.type === "endMarkedContent") open.pop();
  else
    open.push(("id" in item && typeof item.id === "string" ? tags.get(item.id) : undefined) ?? open.at(-1));
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
