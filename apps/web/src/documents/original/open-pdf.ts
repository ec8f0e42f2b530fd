import type { PDFDocumentLoadingTask } from "pdfjs-dist";
// oxlint-disable-next-line import/default -- made by the build
import workerAddress from "pdfjs-dist/build/pdf.worker.min.mjs?url";

/** A picture in a page with more pixels is left out: it would take the memory of the tab. */
const maxImagePixels = 64_000_000;

/**
 * Begins to read a PDF, piece by piece as its pages are drawn. Everything the reader needs comes from this server;
 * without WebAssembly, which the page's policy does not allow.
 */
export async function openPdf(address: string): Promise<PDFDocumentLoadingTask> {
  const { getDocument, GlobalWorkerOptions, VerbosityLevel } = await import("pdfjs-dist");
  GlobalWorkerOptions.workerSrc = workerAddress;
  const folder = new URL(`${import.meta.env.BASE_URL}pdf/`, location.href).href;
  return getDocument({
    url: new URL(address, location.href).href,
    cMapUrl: `${folder}cmaps/`,
    cMapPacked: true,
    standardFontDataUrl: `${folder}standard_fonts/`,
    wasmUrl: `${folder}wasm/`,
    useWasm: false,
    disableAutoFetch: true,
    disableStream: true,
    enableXfa: false,
    maxImageSize: maxImagePixels,
    verbosity: VerbosityLevel.ERRORS,
  });
}
