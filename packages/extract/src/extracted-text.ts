/** The kinds of document the product reads. */
export const fileTypes = [
  "pdf",
  "docx",
  "xlsx",
  "xls",
  "pptx",
  "odt",
  "ods",
  "odp",
  "rtf",
  "html",
  "markdown",
  "text",
  "csv",
  "tsv",
  "eml",
  "image",
] as const;
export type FileType = (typeof fileTypes)[number];

/** Something a reader should know about the text, such as pages that hold only a picture. */
export type ExtractionWarning = { readonly code: string; readonly message: string };

/** Where a page's text lies inside the whole: character offsets (UTF-16 units), end exclusive. */
export type PageRange = { readonly page: number; readonly charStart: number; readonly charEnd: number };

/**
 * The text of one file. It is NFC-normalised, has LF line ends, and holds neither U+0000 nor lone
 * surrogates, so every database and model takes it.
 */
export type ExtractedText = {
  readonly text: string;
  readonly fileType: FileType;
  /** Which method gave the text, such as `pdfjs` or `docx-walker`. */
  readonly method: string;
  /** The title the document itself declares. */
  readonly title: string | null;
  /** Empty when the format has no pages. */
  readonly pages: readonly PageRange[];
  /** The character encoding the bytes were read as; null for formats that define their own. */
  readonly encoding: string | null;
  /** Numbers of pages that hold next to no text: most likely pictures, whose text can be recognised. */
  readonly pagesWithoutText: readonly number[];
  readonly warnings: readonly ExtractionWarning[];
};
