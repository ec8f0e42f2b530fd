import mammoth from "mammoth";
import { maxXmlTreeBytes } from "../../limits.ts";
import { htmlToText } from "../html/html-text.ts";
import { MethodFailure } from "../method-failure.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { openArchive, verifyXmlParts } from "../archive/archive.ts";
import { readChartTexts } from "../archive/chart-text.ts";
import { findMainPart, readCoreTitle, readRelations } from "../archive/package-parts.ts";
import { findImportedParts } from "./imported-parts.ts";

/** Reads a DOCX with mammoth by way of HTML, which keeps headings, lists and tables apart. */
export async function extractWithMammoth(input: MethodInput): Promise<MethodOutput> {
  const { title, charts } = await checkArchive(input.path);
  const { value } = await mammoth.convertToHtml(
    { path: input.path },
    {
      // Pictures are neither unpacked nor carried along.
      convertImage: mammoth.images.imgElement(() => Promise.resolve({ src: "" })),
      styleMap: ["p[style-name='Title'] => h1:fresh"],
      includeEmbeddedStyleMap: false,
      externalFileAccess: false,
    },
  );
  const { text: body, isTruncated } = htmlToText(value);
  const text = [body, charts].filter((piece) => piece !== "").join("\n\n");
  return {
    parts: [text],
    hasPages: false,
    title,
    encoding: null,
    warnings: [],
    isTruncated,
    isWeak: body.trim() === "",
  };
}

/** mammoth inflates whatever it is given, so sizes are checked first, forged ones included. */
async function checkArchive(path: string): Promise<{ title: string | null; charts: string }> {
  const archive = await openArchive(path);
  try {
    const main = await findMainPart(archive, "word/document.xml");
    if (main === undefined) throw new MethodFailure("file_damaged", "the part with the text is missing");
    const relations = await readRelations(archive, main);
    if (findImportedParts(archive, relations).size > 0)
      throw new MethodFailure("declined", "text in other formats, which mammoth does not read");
    await verifyXmlParts(archive, maxXmlTreeBytes);
    return { title: await readCoreTitle(archive), charts: await readChartTexts(archive, relations) };
  } finally {
    archive.close();
  }
}
