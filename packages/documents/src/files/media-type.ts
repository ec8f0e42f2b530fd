import type { FileType } from "@millrace/contracts";

const unknownType = "application/octet-stream";

const pictures: readonly (readonly [type: string, begins: RegExp])[] = [
  ["image/png", /^\x89PNG\r\n\x1a\n/],
  ["image/jpeg", /^\xff\xd8\xff/],
  ["image/webp", /^RIFF....WEBP/s],
];

/**
 * The media type under which a stored file is served. Only types that a browser shows without running anything
 * of them are named; everything else is bytes.
 */
export function servedMediaType(fileType: FileType | null, head: Uint8Array): string {
  if (fileType === "pdf") return "application/pdf";
  if (fileType !== "image") return unknownType;
  const text = Buffer.from(head).toString("latin1");
  return pictures.find(([, begins]) => begins.test(text))?.[0] ?? unknownType;
}
