import type { WrappedPdfiumModule } from "@embedpdf/pdfium";
import { maxRenderedPixels } from "../../limits.ts";
import { MethodFailure } from "../method-failure.ts";
import type { MethodInput } from "../method.ts";
import { heapOf, withPdfiumDocument } from "../pdf/pdfium-document.ts";

/** Recognition gains little above this, and loses small print below. */
const dotsPerInch = 200;
const pointsPerInch = 72;

/** FPDFBitmap_Gray, FPDF_ANNOT | FPDF_GRAYSCALE, and white as PDFium writes it. */
const grayFormat = 1;
const renderFlags = 0x09;
const white = 0xffffffff;

/**
 * One page of a PDF, numbered from 1, as a gray picture in PGM, which every engine reads; undefined when
 * nothing is drawn on it. A page larger than the limit is drawn smaller.
 */
export async function renderPage(
  file: Pick<MethodInput, "path" | "password">,
  page: number,
): Promise<Uint8Array | undefined> {
  return await withPdfiumDocument(file, (pdfium, document) => {
    const handle = pdfium.FPDF_LoadPage(document, page - 1);
    if (handle === 0) throw new MethodFailure("file_damaged", `page ${page} can't be opened`);
    try {
      return pdfium.FPDFPage_CountObjects(handle) === 0 ? undefined : draw(pdfium, handle);
    } finally {
      pdfium.FPDF_ClosePage(handle);
    }
  });
}

function draw(pdfium: WrappedPdfiumModule, page: number): Uint8Array {
  const { width, height } = sizeOf(pdfium, page);
  const bitmap = pdfium.FPDFBitmap_CreateEx(width, height, grayFormat, 0, 0);
  if (bitmap === 0) throw new MethodFailure("extraction_limit_memory", "no memory for a page's picture");
  try {
    pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, white);
    pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, renderFlags);
    const stride = pdfium.FPDFBitmap_GetStride(bitmap);
    const start = pdfium.FPDFBitmap_GetBuffer(bitmap);
    return toPgm(heapOf(pdfium).subarray(start, start + stride * height), { width, height, stride });
  } finally {
    pdfium.FPDFBitmap_Destroy(bitmap);
  }
}

function sizeOf(pdfium: WrappedPdfiumModule, page: number): { width: number; height: number } {
  const [wide, high] = [pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)];
  if (!(wide > 0 && high > 0)) throw new MethodFailure("file_damaged", "a page has no size");
  const scale = Math.min(dotsPerInch / pointsPerInch, Math.sqrt(maxRenderedPixels / (wide * high)));
  // A strip of no height has no letters; the engine wants a picture all the same.
  const pixels = (points: number): number => Math.min(Math.max(1, Math.floor(points * scale)), 32_000);
  return { width: pixels(wide), height: pixels(high) };
}

/** Rows without the padding that the bitmap has, behind a header of text. */
function toPgm(
  rows: Uint8Array,
  { width, height, stride }: { readonly width: number; readonly height: number; readonly stride: number },
): Uint8Array {
  const header = Buffer.from(`P5\n${width} ${height}\n255\n`, "latin1");
  const picture = new Uint8Array(header.length + width * height);
  picture.set(header);
  for (let y = 0; y < height; y += 1) {
    picture.set(rows.subarray(y * stride, y * stride + width), header.length + y * width);
  }
  return picture;
}
