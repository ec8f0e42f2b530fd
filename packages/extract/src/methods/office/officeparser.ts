import { parseOffice } from "officeparser";
import { maxRtfBytes, maxTableCells, maxXmlTreeBytes, maxZipEntries } from "../../limits.ts";
import { openArchive, verifyXmlParts } from "../archive/archive.ts";
import type { Archive } from "../archive/archive.ts";
import { readSmallPart } from "../archive/package-parts.ts";
import { refuseEncryptedParts } from "../opendocument/encrypted-parts.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { readBytes } from "../read-bytes.ts";
import { writeTree } from "./write-tree.ts";

/** Reads RTF as a tree. */
export async function extractRtfTree(input: MethodInput): Promise<MethodOutput> {
  return await parse(await readBytes(input.path, maxRtfBytes), "rtf");
}

/**
 * Reads presentations and OpenDocument files as a tree. It finds less than the walkers, more slowly, and some of what
 * they don't.
 */
export async function extractOfficeTree(input: MethodInput): Promise<MethodOutput> {
  const archive = await openArchive(input.path);
  let fileType: OfficeType;
  try {
    fileType = await typeOf(archive);
    // The library inflates what it is given, so sizes are checked first, forged ones included.
    await refuseEncryptedParts(archive);
    await verifyXmlParts(archive, maxXmlTreeBytes);
  } finally {
    archive.close();
  }
  return await parse(await readBytes(input.path, maxXmlTreeBytes * 10), fileType);
}

type OfficeType = "pptx" | "odt" | "ods" | "odp" | "rtf";

async function typeOf(archive: Archive): Promise<OfficeType> {
  if (!archive.parts.has("content.xml")) return "pptx";
  const declared = await readSmallPart(archive, "mimetype");
  if (declared.includes("spreadsheet")) return "ods";
  return declared.includes("presentation") ? "odp" : "odt";
}

async function parse(bytes: Uint8Array<ArrayBuffer>, fileType: OfficeType): Promise<MethodOutput> {
  const document = await parseOffice(Buffer.from(bytes.buffer), {
    fileType,
    ocr: false,
    extractAttachments: false,
    ignoreComments: true,
    ignoreSlideMasters: true,
    decompressionLimits: { maxUncompressedBytes: maxXmlTreeBytes * 20, maxZipEntries, maxTableCells },
  });
  const { parts, hasPages, isTruncated } = writeTree(document.content);
  return {
    parts,
    hasPages,
    title: document.metadata.title ?? null,
    encoding: null,
    warnings: [],
    isTruncated,
    isWeak: !parts.some((part) => /[\p{L}\p{N}]/u.test(part)),
  };
}
