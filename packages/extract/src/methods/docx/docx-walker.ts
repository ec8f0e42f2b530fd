import { MethodFailure } from "../method-failure.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { openArchive } from "./archive.ts";
import type { Archive } from "./archive.ts";
import { DocumentTextBuilder } from "./document-text-builder.ts";
import { findMainPart, readCoreTitle } from "./document-parts.ts";

/**
 * Reads a DOCX as a stream of XML, without a tree: slower to please the eye than mammoth, but it
 * takes documents of any length in little memory, and keeps what comes before a damage.
 */
export async function extractWithWalker(input: MethodInput): Promise<MethodOutput> {
  const archive = await openArchive(input.path);
  try {
    const main = await findMainPart(archive);
    if (main === undefined) throw new MethodFailure("file_damaged", "the part with the text is missing");
    const folder = main.slice(0, main.lastIndexOf("/") + 1);
    const builder = new DocumentTextBuilder();
    const isComplete = await walkPart(archive, main, builder);
    for (const notes of ["footnotes.xml", "endnotes.xml"]) {
      if (isComplete) await walkPart(archive, folder + notes, builder);
    }
    const text = builder.text();
    if (!isComplete && text.trim() === "") throw new MethodFailure("file_damaged", "its XML is broken");
    return {
      parts: [text],
      hasPages: false,
      title: await readCoreTitle(archive),
      encoding: null,
      warnings: isComplete ? [] : [incomplete],
      isTruncated: builder.isFull(),
      isWeak: false,
    };
  } finally {
    archive.close();
  }
}

const incomplete = {
  code: "text_incomplete",
  message: "The file is damaged; the text before the damage was read.",
};

/** False when the part is broken; what came before the damage stays in the builder. */
async function walkPart(archive: Archive, name: string, builder: DocumentTextBuilder): Promise<boolean> {
  builder.beginPart();
  try {
    let decoder: InstanceType<typeof TextDecoder> | undefined;
    for await (const chunk of archive.read(name)) {
      decoder ??= new TextDecoder(encodingOf(chunk));
      builder.write(decoder.decode(chunk, { stream: true }));
      if (builder.isFull()) return true;
    }
    if (decoder !== undefined) builder.endPart();
    return true;
  } catch (error) {
    if (error instanceof MethodFailure && error.code !== "file_damaged") throw error;
    return false;
  }
}

/** XML is UTF-8 or, rarely, UTF-16 with a mark. */
function encodingOf(chunk: Uint8Array): string {
  if (chunk[0] === 0xff && chunk[1] === 0xfe) return "utf-16le";
  return chunk[0] === 0xfe && chunk[1] === 0xff ? "utf-16be" : "utf-8";
}
