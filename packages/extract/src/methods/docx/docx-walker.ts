import { MethodFailure } from "../method-failure.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { openArchive } from "../archive/archive.ts";
import { readHeadingLevels } from "./heading-styles.ts";
import { readImportedParts } from "./imported-parts.ts";
import { DocumentTextBuilder } from "./document-text-builder.ts";
import { readChartTexts } from "../archive/chart-text.ts";
import { findMainPart, readCoreTitle, readRelations } from "../archive/package-parts.ts";
import { readXmlPart, textIncomplete } from "../archive/xml-part.ts";

/**
 * Reads a DOCX as a stream of XML, without a tree: slower to please the eye than mammoth, but it
 * takes documents of any length in little memory, and keeps what comes before a damage.
 */
export async function extractWithWalker(input: MethodInput): Promise<MethodOutput> {
  const archive = await openArchive(input.path);
  try {
    const main = await findMainPart(archive, "word/document.xml");
    if (main === undefined) throw new MethodFailure("file_damaged", "the part with the text is missing");
    const folder = main.slice(0, main.lastIndexOf("/") + 1);
    const relations = await readRelations(archive, main);
    const imported = await readImportedParts(archive, relations);
    const builder = new DocumentTextBuilder(await readHeadingLevels(archive, folder), imported.texts);
    const isComplete = await readXmlPart(archive, main, builder);
    for (const notes of ["footnotes.xml", "endnotes.xml"]) {
      if (isComplete) await readXmlPart(archive, folder + notes, builder);
    }
    const text = [builder.result(), await readChartTexts(archive, relations)].join("\n\n");
    if (!isComplete && text.trim() === "") throw new MethodFailure("file_damaged", "its XML is broken");
    return {
      parts: [text],
      hasPages: false,
      title: await readCoreTitle(archive),
      encoding: null,
      warnings: [...imported.warnings, ...(isComplete ? [] : [textIncomplete])],
      isTruncated: builder.isFull(),
      isWeak: false,
    };
  } finally {
    archive.close();
  }
}
