import type { Archive } from "../archive/archive.ts";
import { readRelations } from "../archive/package-parts.ts";
import { readXmlPart } from "../archive/xml-part.ts";
import { SlideTextBuilder } from "../presentation/slide-text-builder.ts";
import { SheetList } from "./sheet-parts.ts";

/** The texts of boxes and diagrams drawn on each sheet, in the order of the sheets; what is damaged counts as empty. */
export async function readSheetDrawings(archive: Archive, main: string): Promise<readonly string[]> {
  if (![...archive.parts.keys()].some((name) => name.startsWith("xl/drawings/"))) return [];
  const list = new SheetList();
  await readXmlPart(archive, main, list);
  const relations = await readRelations(archive, main);
  const texts: string[] = [];
  for (const { relation } of list.sheets) {
    const part = relations.get(relation)?.target;
    texts.push(part === undefined ? "" : await readDrawings(archive, part));
  }
  return texts;
}

async function readDrawings(archive: Archive, sheet: string): Promise<string> {
  const builder = new SlideTextBuilder();
  for (const drawing of (await readRelations(archive, sheet)).values()) {
    if (drawing.type !== "drawing") continue;
    await readXmlPart(archive, drawing.target, builder);
    for (const diagram of (await readRelations(archive, drawing.target)).values()) {
      if (diagram.type === "diagramData") await readXmlPart(archive, diagram.target, builder);
    }
  }
  return builder.result().trim();
}
