import { imageSize } from "image-size";
import { maxImageBytes, maxImagePages, maxImagePixels } from "../../limits.ts";
import { MethodFailure } from "../method-failure.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { readBytes } from "../read-bytes.ts";
import { describePages } from "../pdf/pages.ts";
import { findTiffPages, selectTiffPage } from "./tiff-pages.ts";

/**
 * What can be said of a picture without decoding it: how many pages it has, none with text yet. Refused
 * here is what would take too much memory when it is decoded.
 */
export async function describePicture(input: MethodInput): Promise<MethodOutput> {
  const bytes = await readPicture(input.path);
  const pageCount = findTiffPages(bytes)?.length ?? 1;
  const parts = Array.from({ length: Math.min(pageCount, maxImagePages) }, () => "");
  return {
    parts,
    hasPages: true,
    title: null,
    encoding: null,
    ...describePages({ parts, declaredPages: parts.length, failedPages: 0, isTruncated: false }),
    isWeak: false,
  };
}

/** One page of a picture, numbered from 1, as an engine takes it: the file itself but for TIFF. */
export async function readPicturePage(path: string, page: number): Promise<Uint8Array> {
  const bytes = await readPicture(path);
  const pages = findTiffPages(bytes);
  if (pages === undefined) return bytes;
  const selected = selectTiffPage(bytes, pages[page - 1]);
  checkSize(selected);
  return selected;
}

async function readPicture(path: string): Promise<Uint8Array> {
  const bytes = await readBytes(path, maxImageBytes);
  checkSize(bytes);
  return bytes;
}

/** Before anything is decoded: a file of a few kilobytes can claim a picture of gigabytes. */
function checkSize(bytes: Uint8Array): void {
  const { width, height } = sizeOf(bytes);
  if (!(width > 0 && height > 0)) throw new MethodFailure("file_damaged", "it says nothing of its size");
  if (width * height > maxImagePixels) {
    throw new MethodFailure(
      "extraction_limit_size",
      `a picture of ${width} × ${height} pixels, at most ${maxImagePixels / 1_000_000} million can be read`,
    );
  }
}

function sizeOf(bytes: Uint8Array): { width: number; height: number } {
  try {
    return imageSize(bytes);
  } catch (error) {
    throw new MethodFailure("file_damaged", "it is not a whole picture", error);
  }
}
