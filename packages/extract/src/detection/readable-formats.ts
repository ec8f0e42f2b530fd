import type { FileType } from "../extracted-text.ts";

/** Pictures that both engines decode, by the extension that content detection reports; TIFF is known by its mark. */
export const readableImages: ReadonlyMap<string, string> = new Map([
  ["png", "PNG"],
  ["jpg", "JPEG"],
  ["webp", "WebP"],
]);

const names: Readonly<Record<FileType, string>> = {
  pdf: "PDF",
  docx: "DOCX",
  xlsx: "XLSX",
  xls: "XLS",
  pptx: "PPTX",
  odt: "ODT",
  ods: "ODS",
  odp: "ODP",
  rtf: "RTF",
  html: "HTML",
  markdown: "Markdown",
  csv: "CSV",
  tsv: "TSV",
  eml: "e-mail (EML)",
  image: `pictures (${[...readableImages.values(), "TIFF"].join(", ")})`,
  text: "plain text in any common encoding",
};

/** All that is read, as people call it. */
export const readableFormats = new Intl.ListFormat("en-GB").format(Object.values(names));
