import type { AcceptedDocument, Analysis, Document } from "@millrace/contracts";

/** What is to be processed: a file that can be opened, or bytes that came from elsewhere. */
export type Source =
  | { readonly kind: "file"; readonly path: string; readonly fileName: string }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array<ArrayBuffer>; readonly fileName: string }
  | { readonly kind: "text"; readonly text: string };

/** How the work on a document goes on; the types and data of `documentEventSchemas`. */
export type DocumentUpdate = {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
};

export type ProcessedDocument = { readonly document: Document; readonly analysis: Analysis };

/**
 * Where documents are processed: by a server that runs, or in this process. Both keep the
 * documents; closing one does not remove anything.
 */
export type Processor = {
  /** Where the work is done; `here` ends with this process. */
  readonly place: "here" | "server";
  /** Takes a document in; when this resolves, the work will be done. Throws why it can't be taken. */
  readonly accept: (
    request: { readonly source: Source; readonly title: string | undefined },
    signal: AbortSignal,
  ) => Promise<AcceptedDocument>;
  /** What happens to a document, until nothing more will. Throws the signal's reason when it aborts. */
  readonly watch: (documentId: string, signal: AbortSignal) => AsyncIterable<DocumentUpdate>;
  readonly read: (documentId: string) => Promise<ProcessedDocument>;
  /** Asks for the end of the work; fine when it has ended already. */
  readonly cancel: (documentId: string) => Promise<void>;
  /** Ends what this process opened for it. */
  readonly close: () => Promise<void>;
};

/** The events after which nothing more is done for a document. */
const endings: ReadonlySet<string> = new Set(["document.completed", "document.failed", "document.cancelled"]);

/** Whether processing ends with an event of this type. */
export function endsProcessing(type: string): boolean {
  return endings.has(type);
}
