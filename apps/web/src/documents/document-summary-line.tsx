import type { Document } from "@millrace/contracts";
import { countOf, formatBytes } from "../formatting/numbers.ts";
import { fileTypeLabels, isSettled } from "./statuses.ts";
import { ProgressLine } from "./progress-line.tsx";
import classes from "./document-summary-line.module.css";

/** The second line of a row: progress while working, the reason after a failure, else the facts. */
export function DocumentSummaryLine({ document }: { document: Document }) {
  if (!isSettled(document)) return <ProgressLine document={document} />;
  if (document.status === "failed") {
    return <p className={classes.failure}>{document.processing_error ?? "Processing failed."}</p>;
  }
  return <p className={classes.facts}>{documentFacts(document)}</p>;
}

/** "PDF · 14 pages · 1.2 MB" */
export function documentFacts(document: Document): string {
  return [
    document.file_type === null ? undefined : fileTypeLabels[document.file_type],
    document.page_count === null ? undefined : countOf(document.page_count, "page"),
    formatBytes(document.file_size),
  ]
    .filter((fact) => fact !== undefined)
    .join(" · ");
}
