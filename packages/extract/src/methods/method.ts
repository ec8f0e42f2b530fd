import type { ExtractionWarning, FileType } from "../extracted-text.ts";

/** A language of the recognition, and the file that holds what the engine knows of it. */
export type OcrLanguage = { readonly code: string; readonly path: string };

/** One page whose text is to be recognised, numbered from 1. */
export type PageTask = {
  readonly page: number;
  readonly isPdf: boolean;
  readonly languages: readonly OcrLanguage[];
  /** The path of the system's `tesseract`; left out, the built-in engine reads. */
  readonly program?: string;
};

/** What a method is given. It runs inside a child process and reads nothing but this file. */
export type MethodInput = {
  readonly path: string;
  /** The child's own, for what is found inside the file. */
  readonly folder: string;
  readonly reportPages: (done: number, total: number) => void;
  /** Only for a PDF that asks for one. */
  readonly password?: string | undefined;
  /** Only for recognition, which reads one page at a time. */
  readonly page?: PageTask;
};

/** A file within the file, written into the folder of the input under a name of our own. */
export type FoundAttachment = {
  /** What the file calls it, for people: one line, at most 200 characters. */
  readonly name: string;
  readonly file: string;
};

/** What a method found. Texts need no cleaning: that happens once, after every method. */
export type MethodOutput = {
  /** One text per page, or the whole text as the only element when the format has no pages. */
  readonly parts: readonly string[];
  readonly hasPages: boolean;
  readonly title: string | null;
  readonly encoding: string | null;
  readonly warnings: readonly ExtractionWarning[];
  /** Numbers of pages that hold next to no text: most likely pictures. */
  readonly pagesWithoutText?: readonly number[];
  /** How sure the recognition is, 0 to 100. */
  readonly confidence?: number;
  /** Files within the file, which are read after it. */
  readonly attachments?: readonly FoundAttachment[];
  /** True when the method stopped before the end of the text; a warning says so. */
  readonly isTruncated?: boolean;
  /** True when the result looks too poor to be all: the next method gets a try. */
  readonly isWeak: boolean;
};

/**
 * One way to read one format. Throws `MethodFailure` for what it recognises; anything else counts as
 * a damaged file, and in both cases the next method of the format gets a try.
 */
export type Method = (input: MethodInput) => Promise<MethodOutput>;

/** The methods of each format, in the order in which they are tried. */
export const methodNames = {
  pdf: ["pdfjs", "pdfium"],
  docx: ["mammoth", "docx-walker"],
  xlsx: ["sheetjs", "xlsx-walker"],
  xls: ["sheetjs-xls"],
  pptx: ["pptx-walker", "officeparser"],
  odt: ["odf-walker", "officeparser"],
  ods: ["odf-walker", "officeparser"],
  odp: ["odf-walker", "officeparser"],
  rtf: ["rtf-scanner", "officeparser-rtf"],
  html: ["html-to-text", "html-stripper"],
  markdown: ["markdown", "markdown-latin1"],
  text: ["plain-text", "plain-text-latin1"],
  csv: ["csv-parse", "papaparse"],
  tsv: ["csv-parse", "papaparse"],
  eml: ["mailparser", "postal-mime"],
  image: ["picture"],
} as const satisfies Record<FileType, readonly string[]>;

export type MethodName = (typeof methodNames)[FileType][number] | "recognise-page";
