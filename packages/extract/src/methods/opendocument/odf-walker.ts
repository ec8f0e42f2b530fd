import type { ExtractionWarning } from "../../extracted-text.ts";
import { openArchive } from "../archive/archive.ts";
import { readMetaTitle } from "../archive/package-parts.ts";
import { readXmlPart, textIncomplete } from "../archive/xml-part.ts";
import { MethodFailure } from "../method-failure.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { ContentReader } from "./content-reader.ts";
import { refuseEncryptedParts } from "./encrypted-parts.ts";

/** Reads ODT, ODS and ODP as a stream of XML, in little memory, and keeps what comes before a damage. */
export async function extractWithContentWalker(input: MethodInput): Promise<MethodOutput> {
  const archive = await openArchive(input.path);
  try {
    await refuseEncryptedParts(archive);
    if (!archive.parts.has("content.xml")) {
      throw new MethodFailure("file_damaged", "the part with the text is missing");
    }
    const reader = new ContentReader();
    const isComplete = await readXmlPart(archive, "content.xml", reader);
    const { parts, hasPages } = reader.result();
    const isEmpty = parts.every((part) => part.trim() === "");
    if (!isComplete && isEmpty) {
      throw new MethodFailure("file_damaged", "its XML is broken");
    }
    return {
      parts,
      hasPages,
      title: await readMetaTitle(archive),
      encoding: null,
      warnings: [
        ...(isComplete ? [] : [textIncomplete]),
        ...(reader.leavesRepetitionsOut ? [repetitionsLeftOut] : []),
      ],
      isTruncated: reader.isFull(),
      // The second method may know a way around the damage, or text where we do not look.
      isWeak: !isComplete || isEmpty,
    };
  } finally {
    archive.close();
  }
}

const repetitionsLeftOut: ExtractionWarning = {
  code: "repetitions_left_out",
  message: "Cells or rows that repeat very often were read only as often as a table may have them.",
};
