import { maxTextCharacters } from "../../limits.ts";
import { openArchive } from "../archive/archive.ts";
import type { Archive } from "../archive/archive.ts";
import { readChartTexts } from "../archive/chart-text.ts";
import { findMainPart, readCoreTitle, readRelations } from "../archive/package-parts.ts";
import { readXmlPart, textIncomplete } from "../archive/xml-part.ts";
import type { XmlVisitor } from "../archive/xml-part.ts";
import { MethodFailure } from "../method-failure.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { titleSlide } from "../title-page.ts";
import { SlideTextBuilder } from "./slide-text-builder.ts";

/** A slide is one part and a relation; no talk has as many. */
const maxSlides = 5_000;

/** Reads a PPTX as a stream of XML, slide by slide with its notes, and keeps what comes before a damage. */
export async function extractWithSlideWalker(input: MethodInput): Promise<MethodOutput> {
  const archive = await openArchive(input.path);
  try {
    const main = await findMainPart(archive, "ppt/presentation.xml");
    if (main === undefined) throw new MethodFailure("file_damaged", "the part with the slides is missing");
    return await readSlides(archive, await findSlides(archive, main), input);
  } finally {
    archive.close();
  }
}

/** The parts of the slides in the order in which they are shown. */
async function findSlides(archive: Archive, main: string): Promise<readonly string[]> {
  const ids: string[] = [];
  const list: XmlVisitor = {
    enter: ({ name, attribute }) => {
      if (name === "sldId") ids.push(attribute("r:id") ?? "");
    },
    leave: () => undefined,
    text: () => undefined,
    isFull: () => ids.length >= maxSlides,
  };
  await readXmlPart(archive, main, list);
  const relations = await readRelations(archive, main);
  return ids.flatMap((id) => relations.get(id)?.target ?? []);
}

async function readSlides(
  archive: Archive,
  slides: readonly string[],
  input: MethodInput,
): Promise<MethodOutput> {
  const parts: string[] = [];
  let isComplete = true;
  let characters = 0;
  for (const [index, slide] of slides.entries()) {
    if (characters > maxTextCharacters) break;
    const builder = new SlideTextBuilder();
    isComplete = (await readXmlPart(archive, slide, builder)) && isComplete;
    const relations = await readRelations(archive, slide);
    for (const { type, target } of relations.values()) {
      // Notes of the speaker, and texts of drawn diagrams, lie in parts of their own.
      if (type !== "notesSlide" && type !== "diagramData") continue;
      isComplete = (await readXmlPart(archive, target, builder)) && isComplete;
    }
    const text = [builder.result().trimEnd(), await readChartTexts(archive, relations)]
      .filter((piece) => piece !== "")
      .join("\n\n");
    parts.push(titleSlide(text, "", index + 1));
    characters += text.length;
    input.reportPages(index + 1, slides.length);
  }
  if (!isComplete && characters === 0) throw new MethodFailure("file_damaged", "its XML is broken");
  return {
    parts,
    hasPages: true,
    title: await readCoreTitle(archive),
    encoding: null,
    warnings: isComplete ? [] : [textIncomplete],
    isTruncated: characters > maxTextCharacters,
    // The second method may know a way around the damage, or text where we do not look.
    isWeak: !isComplete || characters === 0,
  };
}
