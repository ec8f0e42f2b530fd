import type { OfficeContentNode } from "officeparser";
import { maxTextCharacters } from "../../limits.ts";
import { TextBuilder } from "../archive/text-builder.ts";
import { SheetText } from "../spreadsheet/sheet-text.ts";
import { titleSheet, titleSlide } from "../title-page.ts";

export type WrittenTree = {
  readonly parts: readonly string[];
  readonly hasPages: boolean;
  readonly isTruncated: boolean;
};

/** The text of a document tree: one part for each slide or sheet, or one for all when it has neither. */
export function writeTree(nodes: readonly OfficeContentNode[]): WrittenTree {
  const pages = nodes.filter((node) => node.type === "slide" || node.type === "sheet");
  if (pages.length === 0) {
    const builder = new TextBuilder();
    writeAll(nodes, builder);
    return { parts: [builder.text()], hasPages: false, isTruncated: builder.isFull() };
  }
  const notes = Map.groupBy(
    nodes.filter((node) => node.type === "note"),
    (node) => slideOf(node),
  );
  const parts: string[] = [];
  let characters = 0;
  for (const [index, page] of pages.entries()) {
    const text = page.type === "sheet" ? writeSheet(page, index + 1) : writeSlide(page, index + 1, notes);
    parts.push(text);
    characters += text.length;
    if (characters > maxTextCharacters) return { parts, hasPages: true, isTruncated: true };
  }
  return { parts, hasPages: true, isTruncated: false };
}

function writeSlide(
  slide: OfficeContentNode,
  number: number,
  notes: ReadonlyMap<number | undefined, readonly OfficeContentNode[]>,
): string {
  const builder = new TextBuilder();
  writeAll(slide.children ?? [], builder);
  writeAll(notes.get(number) ?? [], builder);
  return titleSlide(builder.text(), "", number);
}

function writeSheet(sheet: OfficeContentNode, number: number): string {
  const text = new SheetText();
  for (const [index, row] of (sheet.children ?? []).entries()) {
    const cells = (row.children ?? []).filter((cell) => cell.type === "cell");
    const at = cells[0]?.metadata?.row ?? index;
    text.addRow(
      at,
      cells.map((cell, column) => [cell.metadata?.col ?? column, cell.text ?? ""] as const),
    );
    if (text.isFull()) break;
  }
  const name = sheet.type === "sheet" ? sheet.metadata?.sheetName : undefined;
  return titleSheet(text.text(), name ?? "", number);
}

function slideOf(node: OfficeContentNode): number | undefined {
  const { metadata } = node;
  return typeof metadata === "object" && "slideNumber" in metadata && typeof metadata.slideNumber === "number"
    ? metadata.slideNumber
    : undefined;
}

/** Pictures, comments and what only repeats on every page. */
const leftOut: ReadonlySet<OfficeContentNode["type"]> = new Set([
  "image",
  "comment",
  "header",
  "footer",
  "slideMaster",
  "embed",
]);

function writeAll(nodes: readonly OfficeContentNode[], builder: TextBuilder): void {
  for (const node of nodes) {
    if (builder.isFull()) return;
    write(node, builder);
  }
}

function write(node: OfficeContentNode, builder: TextBuilder): void {
  if (leftOut.has(node.type)) return;
  if (node.type === "table") return writeTable(node, builder);
  if (node.type === "row") return writeRow(node, builder);
  if (node.type === "heading") builder.beginHeading(node.metadata?.level ?? 1);
  const children = node.children ?? [];
  const hasBlocks = children.some((child) => child.type !== "text" && child.type !== "break");
  if (hasBlocks && node.type !== "heading" && node.type !== "paragraph") return writeAll(children, builder);
  const text = node.text ?? children.map((child) => child.text ?? "").join("");
  if (text === "") return builder.endParagraph();
  builder.add(node.type === "list" ? `- ${text}` : text);
  builder.endParagraph();
}

function writeTable(table: OfficeContentNode, builder: TextBuilder): void {
  builder.beginTable();
  writeAll(table.children ?? [], builder);
  builder.endTable();
}

function writeRow(row: OfficeContentNode, builder: TextBuilder): void {
  for (const cell of row.children ?? []) {
    builder.beginCell();
    builder.add((cell.text ?? "").replace(/\s+/g, " ").trim());
  }
  builder.endRow();
}
