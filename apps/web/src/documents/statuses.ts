import type { Document, DocumentStatus, FileType } from "@millrace/contracts";

export const statusLabels: Record<DocumentStatus, string> = {
  uploaded: "Queued",
  processing: "Processing",
  completed: "Completed",
  partial: "Partly done",
  failed: "Failed",
  cancelled: "Cancelled",
};

export const fileTypeLabels: Record<FileType, string> = {
  pdf: "PDF",
  docx: "Word",
  xlsx: "Excel",
  xls: "Excel 97–2003",
  pptx: "PowerPoint",
  odt: "OpenDocument text",
  ods: "OpenDocument spreadsheet",
  odp: "OpenDocument presentation",
  rtf: "Rich text",
  html: "HTML",
  markdown: "Markdown",
  text: "Text",
  csv: "CSV",
  tsv: "TSV",
  eml: "E-mail",
  image: "Picture",
};

const settled: Record<DocumentStatus, boolean> = {
  uploaded: false,
  processing: false,
  completed: true,
  partial: true,
  failed: true,
  cancelled: true,
};

/** Whether nothing is being done for the document just now. */
export function isSettled(document: Pick<Document, "status">): boolean {
  return settled[document.status];
}

/** Whether it failed because its PDF asks for a password, or for another one than was given. */
export function isLocked(document: Pick<Document, "status" | "processing_error_code">): boolean {
  const { status, processing_error_code: code } = document;
  return status === "failed" && (code === "pdf_encrypted" || code === "pdf_password_wrong");
}

export function readStatus(value: unknown): DocumentStatus | undefined {
  return typeof value === "string" && value in statusLabels ? (value as DocumentStatus) : undefined;
}

export function readFileType(value: unknown): FileType | undefined {
  return typeof value === "string" && value in fileTypeLabels ? (value as FileType) : undefined;
}
