import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { init } from "@embedpdf/pdfium";
import type { WrappedPdfiumModule } from "@embedpdf/pdfium";
import { maxTextFileBytes } from "../../limits.ts";
import { MethodFailure } from "../method-failure.ts";
import type { MethodInput } from "../method.ts";
import { readBytes } from "../read-bytes.ts";

/** FPDF_GetLastError: the document wants a password, or another one. */
const passwordError = 4;

let loaded: Promise<WrappedPdfiumModule> | undefined;

/** Opens a PDF with PDFium, gives its handle to `work`, and closes it whatever happens. */
export async function withPdfiumDocument<Result>(
  { path, password }: Pick<MethodInput, "path" | "password">,
  work: (pdfium: WrappedPdfiumModule, document: number) => Result,
): Promise<Result> {
  const bytes = await readBytes(path, maxTextFileBytes);
  loaded ??= loadPdfium();
  const pdfium = await loaded;
  const memory = pdfium.pdfium;
  const pointer = memory.wasmExports.malloc(bytes.length);
  if (pointer === 0) throw new MethodFailure("extraction_limit_memory", "no memory for the file");
  // PDFium reads from this memory until the document is closed.
  heapOf(pdfium).set(bytes, pointer);
  const document = pdfium.FPDF_LoadMemDocument(pointer, bytes.length, password ?? "");
  if (document === 0) {
    const isLocked = pdfium.FPDF_GetLastError() === passwordError;
    memory.wasmExports.free(pointer);
    const lockedCode = password === undefined ? "pdf_encrypted" : "pdf_password_wrong";
    throw new MethodFailure(isLocked ? lockedCode : "file_damaged", "PDFium can't open the file");
  }
  try {
    return work(pdfium, document);
  } finally {
    pdfium.FPDF_CloseDocument(document);
    memory.wasmExports.free(pointer);
  }
}

async function loadPdfium(): Promise<WrappedPdfiumModule> {
  const wasmPath = createRequire(import.meta.url).resolve("@embedpdf/pdfium/pdfium.wasm");
  const wasm = await readFile(wasmPath);
  const wasmBinary = wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength);
  const pdfium = await init({ wasmBinary });
  pdfium.PDFiumExt_Init();
  return pdfium;
}

/** The current view of the module's memory; its declarations name a package that is not there. */
export function heapOf({ pdfium }: WrappedPdfiumModule): Uint8Array {
  if ("HEAPU8" in pdfium && pdfium.HEAPU8 instanceof Uint8Array) return pdfium.HEAPU8;
  throw new MethodFailure("file_damaged", "PDFium has lost its memory");
}
