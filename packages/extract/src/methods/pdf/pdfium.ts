import type { WrappedPdfiumModule } from "@embedpdf/pdfium";
import { maxPdfPageCharacters, maxPdfPages } from "../../limits.ts";
import { MethodFailure } from "../method-failure.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { describePages } from "./pages.ts";
import { heapOf, withPdfiumDocument } from "./pdfium-document.ts";
import { joinPlainLines } from "./plain-lines.ts";
import { resolvePresentationForms } from "./presentation-forms.ts";

/** Reads a PDF with PDFium, which recovers some files PDF.js gives up on, and more text of a few. */
export async function extractWithPdfium(input: MethodInput): Promise<MethodOutput> {
  return await withPdfiumDocument(input, (pdfium, document) => readDocument(pdfium, document, input));
}

function readDocument(pdfium: WrappedPdfiumModule, document: number, input: MethodInput): MethodOutput {
  const declaredPages = pdfium.FPDF_GetPageCount(document);
  const pageCount = Math.min(declaredPages, maxPdfPages);
  const parts: string[] = [];
  let failedPages = 0;
  let isTruncated = false;
  for (let index = 0; index < pageCount; index += 1) {
    const page = readPage(pdfium, document, index);
    if (page === undefined) failedPages += 1;
    parts.push(page?.text ?? "");
    isTruncated ||= page?.isTruncated === true;
    input.reportPages(index + 1, pageCount);
  }
  if (pageCount === 0) throw new MethodFailure("file_damaged", "no page found");
  return {
    parts,
    hasPages: true,
    title: null,
    encoding: null,
    ...describePages({ parts, declaredPages, failedPages, isTruncated }),
    isWeak: false,
  };
}

type PageText = { readonly text: string; readonly isTruncated: boolean };

function readPage(pdfium: WrappedPdfiumModule, document: number, index: number): PageText | undefined {
  const page = pdfium.FPDF_LoadPage(document, index);
  if (page === 0) return undefined;
  const textPage = pdfium.FPDFText_LoadPage(page);
  try {
    if (textPage === 0) return undefined;
    const count = pdfium.FPDFText_CountChars(textPage);
    const raw = readText(pdfium, textPage, Math.min(count, maxPdfPageCharacters));
    return {
      text: resolvePresentationForms(joinPlainLines(raw)),
      isTruncated: count > maxPdfPageCharacters,
    };
  } finally {
    if (textPage !== 0) pdfium.FPDFText_ClosePage(textPage);
    pdfium.FPDF_ClosePage(page);
  }
}

function readText(pdfium: WrappedPdfiumModule, textPage: number, count: number): string {
  if (count <= 0) return "";
  const memory = pdfium.pdfium;
  const byteLength = (count + 1) * 2;
  const pointer = memory.wasmExports.malloc(byteLength);
  if (pointer === 0) throw new MethodFailure("extraction_limit_memory", "no memory for a page's text");
  const written = pdfium.FPDFText_GetText(textPage, 0, count, pointer);
  // The view is taken after the call: growing memory replaces it. One unit is the closing zero.
  const units = heapOf(pdfium).slice(pointer, pointer + Math.max(0, written - 1) * 2);
  memory.wasmExports.free(pointer);
  return new TextDecoder("utf-16le").decode(units);
}
