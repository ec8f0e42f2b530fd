import type { FileType } from "@millrace/contracts";
import classes from "./file-icon.module.css";

const letters: Record<FileType, string> = {
  pdf: "PDF",
  docx: "DOC",
  xlsx: "XLS",
  xls: "XLS",
  pptx: "PPT",
  odt: "ODT",
  ods: "ODS",
  odp: "ODP",
  rtf: "RTF",
  html: "HTM",
  markdown: "MD",
  text: "TXT",
  csv: "CSV",
  tsv: "TSV",
  eml: "EML",
  image: "IMG",
};

/** A small sign of what kind of file a document came from. */
export function FileIcon({ type }: { type: FileType | null }) {
  return (
    <span className={classes.icon} data-type={type ?? "text"} aria-hidden="true">
      {type === null ? "…" : letters[type]}
    </span>
  );
}
