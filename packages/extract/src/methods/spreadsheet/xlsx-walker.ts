import type { ExtractionWarning } from "../../extracted-text.ts";
import { maxTextCharacters } from "../../limits.ts";
import { openArchive } from "../archive/archive.ts";
import type { Archive } from "../archive/archive.ts";
import { findMainPart, readCoreTitle, readRelations } from "../archive/package-parts.ts";
import { readXmlPart, textIncomplete } from "../archive/xml-part.ts";
import { MethodFailure } from "../method-failure.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { titleSheet } from "../title-page.ts";
import { readSheetDrawings } from "./sheet-drawings.ts";
import { SharedTexts, SheetList, SheetReader } from "./sheet-parts.ts";

/**
 * Reads an XLSX as a stream of XML: workbooks of any length in little memory, and what comes before a damage. It
 * knows no number formats, so dates are the numbers that the file holds.
 */
export async function extractWithSheetWalker(input: MethodInput): Promise<MethodOutput> {
  const archive = await openArchive(input.path);
  try {
    const main = await findMainPart(archive, "xl/workbook.xml");
    if (main === undefined || !main.endsWith(".xml")) {
      throw new MethodFailure("declined", "no workbook that is written in XML");
    }
    return await readSheets(archive, main, input);
  } finally {
    archive.close();
  }
}

async function readSheets(archive: Archive, main: string, input: MethodInput): Promise<MethodOutput> {
  const list = new SheetList();
  let isComplete = await readXmlPart(archive, main, list);
  const relations = await readRelations(archive, main);
  const shared = new SharedTexts();
  const texts = [...relations.values()].find(({ type }) => type === "sharedStrings");
  if (texts !== undefined) isComplete = (await readXmlPart(archive, texts.target, shared)) && isComplete;
  const drawings = await readSheetDrawings(archive, main);
  const parts: string[] = [];
  let characters = 0;
  let hasNumbers = false;
  for (const [index, { name, relation }] of list.sheets.entries()) {
    if (characters > maxTextCharacters) break;
    const reader = new SheetReader(shared);
    const part = relations.get(relation)?.target;
    if (part !== undefined) isComplete = (await readXmlPart(archive, part, reader)) && isComplete;
    const text = [reader.result(), drawings[index] ?? ""].filter((piece) => piece !== "").join("\n\n");
    parts.push(titleSheet(text, name, index + 1));
    characters += text.length;
    hasNumbers ||= reader.hasNumbers;
    input.reportPages(index + 1, list.sheets.length);
  }
  if (!isComplete && characters === 0) throw new MethodFailure("file_damaged", "its XML is broken");
  return {
    parts,
    hasPages: true,
    title: await readCoreTitle(archive),
    encoding: null,
    warnings: [...(isComplete ? [] : [textIncomplete]), ...(hasNumbers ? [numbersAsStored] : [])],
    isTruncated: characters > maxTextCharacters || shared.isFull(),
    isWeak: false,
  };
}

const numbersAsStored: ExtractionWarning = {
  code: "numbers_as_stored",
  message: "Numbers and dates are shown as the file stores them: a date may be the number of its day.",
};
