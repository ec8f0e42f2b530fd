import type { PDFDocumentProxy } from "pdfjs-dist";
import { useEffect, useState } from "react";
import { openPdf } from "./open-pdf.ts";

export type Pdf =
  | { readonly kind: "loading" }
  | {
      readonly kind: "open";
      readonly pdf: PDFDocumentProxy;
      /** Height by width of its first page: those of the others are mostly the same. */
      readonly ratio: number;
    }
  | { readonly kind: "failed"; readonly reason: string };

/** A PDF that is open as long as the component is there. */
export function usePdf(address: string): Pdf {
  const [state, setState] = useState<Pdf>({ kind: "loading" });
  useEffect(() => {
    let isGone = false;
    const opening = openPdf(address);
    const load = async (): Promise<void> => {
      const pdf = await (await opening).promise;
      const { width, height } = (await pdf.getPage(1)).getViewport({ scale: 1 });
      if (!isGone) setState({ kind: "open", pdf, ratio: height / width });
    };
    load().catch((error: unknown) => {
      if (!isGone) setState({ kind: "failed", reason: reasonOf(error) });
    });
    return () => {
      isGone = true;
      // What failed to open was told of above.
      opening.then((task) => task.destroy()).catch(() => undefined);
    };
  }, [address]);
  return state;
}

function reasonOf(error: unknown): string {
  const name = error instanceof Error ? error.name : "";
  if (name === "PasswordException") return "It asks for a password. Save the file to open it.";
  if (name === "InvalidPDFException") return "It is damaged. Save the file to try another program.";
  return "It could not be drawn here. Save the file to open it.";
}
