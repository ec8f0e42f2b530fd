import { read, set_cptable } from "@e965/xlsx";
import type { WorkSheet } from "@e965/xlsx";
import * as codePages from "@e965/xlsx/dist/cpexcel.full.mjs";
import type { ExtractionWarning } from "../../extracted-text.ts";
import { maxSheetFileBytes, maxSheetRows, maxSheetXmlBytes, maxTextCharacters } from "../../limits.ts";
import { openArchive, verifyXmlParts } from "../archive/archive.ts";
import { findMainPart } from "../archive/package-parts.ts";
import { MethodFailure } from "../method-failure.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { readBytes } from "../read-bytes.ts";
import { titleSheet } from "../title-page.ts";
import { assertReadableXls } from "./legacy-workbook.ts";
import { readSheetDrawings } from "./sheet-drawings.ts";
import { SheetText } from "./sheet-text.ts";

/** Reads XLSX, XLSM and XLSB; numbers and dates look as they do in the program that made the file. */
export async function extractWorkbook(input: MethodInput): Promise<MethodOutput> {
  const archive = await openArchive(input.path);
  let drawings: readonly string[];
  let isXml: boolean;
  try {
    await verifyXmlParts(archive, maxSheetXmlBytes);
    const main = await findMainPart(archive, "xl/workbook.xml");
    // The library reads cells only.
    isXml = main?.endsWith(".xml") === true;
    drawings = isXml && main !== undefined ? await readSheetDrawings(archive, main) : [];
  } finally {
    archive.close();
  }
  const bytes = await readBytes(input.path, maxSheetFileBytes);
  const output = readWorkbook(bytes, input, drawings);
  // The library leaves out what it can't read, without a word; the walker may read it.
  const isMissing = output.warnings.some(({ code }) => code === sheetsUnreadable);
  if (isXml && isMissing) throw new MethodFailure("file_damaged", "a sheet can't be read");
  return output;
}

/** Reads XLS as Excel 5 to 2003 wrote it. */
export async function extractLegacyWorkbook(input: MethodInput): Promise<MethodOutput> {
  const bytes = await readBytes(input.path, maxSheetFileBytes);
  assertReadableXls(bytes);
  // Before Excel 97 texts are in the code page of the machine.
  set_cptable(codePages);
  return readWorkbook(bytes, input, []);
}

function readWorkbook(bytes: Uint8Array, input: MethodInput, drawings: readonly string[]): MethodOutput {
  // The library takes any bytes for a table; callers have seen that these are a workbook.
  const workbook = read(bytes, {
    type: "buffer",
    dense: true,
    // One more than is kept, so that a longer sheet is known to be longer.
    sheetRows: maxSheetRows + 1,
    cellFormula: false,
    cellHTML: false,
  });
  const parts: string[] = [];
  const cutSheets: string[] = [];
  const lostSheets: string[] = [];
  let characters = 0;
  for (const [index, name] of workbook.SheetNames.entries()) {
    if (characters > maxTextCharacters) break;
    const { text: cells, isCut } = writeSheet(workbook.Sheets[name]);
    const text = [cells, drawings[index] ?? ""].filter((piece) => piece !== "").join("\n\n");
    if (isCut) cutSheets.push(name);
    if (workbook.Sheets[name] === undefined) lostSheets.push(name);
    parts.push(titleSheet(text, name, index + 1));
    characters += text.length;
    input.reportPages(index + 1, workbook.SheetNames.length);
  }
  return {
    parts,
    hasPages: true,
    title: workbook.Props?.Title ?? null,
    encoding: null,
    warnings: [
      ...(cutSheets.length === 0 ? [] : [rowsLeftOut(cutSheets)]),
      ...(lostSheets.length === 0
        ? []
        : [{ code: sheetsUnreadable, message: `Of ${namesOf(lostSheets)} nothing could be read.` }]),
    ],
    isTruncated: characters > maxTextCharacters,
    isWeak: cutSheets.length > 0 || characters === 0,
  };
}

/** Never by the range that the sheet declares: two cells in far corners would be 17 billion to look at. */
function writeSheet(sheet: WorkSheet | undefined): { readonly text: string; readonly isCut: boolean } {
  const rows: unknown = sheet?.["!data"];
  const text = new SheetText();
  if (!Array.isArray(rows)) return { text: "", isCut: false };
  for (const key of Object.keys(rows)) {
    const row = Number(key);
    if (row >= maxSheetRows || text.isFull()) return { text: text.text(), isCut: true };
    text.addRow(row, cellsOf(rows[row]));
  }
  return { text: text.text(), isCut: false };
}

function* cellsOf(row: unknown): Iterable<readonly [column: number, text: string]> {
  if (!Array.isArray(row)) return;
  for (const column of Object.keys(row)) {
    const text = cellText(row[Number(column)]);
    if (text !== "") yield [Number(column), text];
  }
}

/** As the program shows it, else the value. */
function cellText(cell: unknown): string {
  if (typeof cell !== "object" || cell === null) return "";
  if ("w" in cell && typeof cell.w === "string") return cell.w;
  if (!("v" in cell)) return "";
  return typeof cell.v === "string" || typeof cell.v === "number" ? String(cell.v) : "";
}

const sheetsUnreadable = "sheets_unreadable";

function rowsLeftOut(sheets: readonly string[]): ExtractionWarning {
  return {
    code: "rows_left_out",
    message: `Of ${namesOf(sheets)} only the first ${maxSheetRows} rows were read.`,
  };
}

function namesOf(sheets: readonly string[]): string {
  const names = sheets.slice(0, 5).map((name) => `"${name.slice(0, 100)}"`);
  const more = sheets.length > names.length ? ` and ${sheets.length - names.length} more` : "";
  return `${names.length === 1 ? "the sheet" : "the sheets"} ${names.join(", ")}${more}`;
}
