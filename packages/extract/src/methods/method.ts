import type { ExtractionWarning, FileType } from "../extracted-text.ts";

/** What a method is given. It runs inside a child process and reads nothing but this file. */
export type MethodInput = {
  readonly path: string;
  readonly reportPages: (done: number, total: number) => void;
};

/** What a method found. Texts need no cleaning: that happens once, after every method. */
export type MethodOutput = {
  /** One text per page, or the whole text as the only element when the format has no pages. */
  readonly parts: readonly string[];
  readonly hasPages: boolean;
  readonly title: string | null;
  readonly encoding: string | null;
  readonly warnings: readonly ExtractionWarning[];
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
  html: ["html-to-text", "html-stripper"],
  markdown: ["markdown", "markdown-latin1"],
  text: ["plain-text", "plain-text-latin1"],
} as const satisfies Record<FileType, readonly string[]>;

export type MethodName = (typeof methodNames)[FileType][number];
