import mammoth from "mammoth";
import { maxXmlTreeBytes } from "../../limits.ts";
import { htmlToText } from "../html/html-text.ts";
import { MethodFailure } from "../method-failure.ts";
import type { MethodInput, MethodOutput } from "../method.ts";
import { openArchive, verifyPart } from "./archive.ts";
import type { Archive } from "./archive.ts";
import { findMainPart, readCoreTitle } from "./document-parts.ts";

/** Reads a DOCX with mammoth by way of HTML, which keeps headings, lists and tables apart. */
export async function extractWithMammoth(input: MethodInput): Promise<MethodOutput> {
  const title = await checkArchive(input.path);
  const { value } = await mammoth.convertToHtml(
    { path: input.path },
    {
      // Pictures are neither unpacked nor carried along.
      convertImage: mammoth.images.imgElement(() => Promise.resolve({ src: "" })),
      includeEmbeddedStyleMap: false,
      externalFileAccess: false,
    },
  );
  const { text, isTruncated } = htmlToText(value);
  return {
    parts: [text],
    hasPages: false,
    title,
    encoding: null,
    warnings: [],
    isTruncated,
    isWeak: text.trim() === "",
  };
}

/** mammoth inflates whatever it is given, so sizes are checked first, forged ones included. */
async function checkArchive(path: string): Promise<string | null> {
  const archive = await openArchive(path);
  try {
    if ((await findMainPart(archive)) === undefined) {
      throw new MethodFailure("file_damaged", "the part with the text is missing");
    }
    await verifyXmlParts(archive);
    return await readCoreTitle(archive);
  } finally {
    archive.close();
  }
}

async function verifyXmlParts(archive: Archive): Promise<void> {
  const names = [...archive.parts.keys()].filter((name) => /\.(?:xml|rels)$/i.test(name));
  const declared = names.reduce((sum, name) => sum + (archive.parts.get(name)?.uncompressedSize ?? 0), 0);
  if (declared > maxXmlTreeBytes) throw new MethodFailure("declined", "too large for a document tree");
  for (const name of names) await verifyPart(archive, name);
}
