/** A format that is recognised and refused: how to call it, and whether it may be supported one day. */
export type KnownFormat = {
  /** With its article: "a font (WOFF)". */
  readonly name: string;
  readonly isPlanned: boolean;
  /** What to do with such a file instead. */
  readonly advice?: string;
};

const drawing = { name: "an OpenDocument drawing, formula or database", isPlanned: false };
const mail = { name: "an e-mail message", isPlanned: true };
const book = { name: "an e-book (EPUB)", isPlanned: true };
const archive = {
  name: "an archive, such as ZIP",
  isPlanned: true,
  advice: "If there are documents in it, unpack it and upload those.",
};

export const xmlDocument: KnownFormat = { name: "an XML document", isPlanned: true };
export const vectorImage: KnownFormat = { name: "an image (SVG)", isPlanned: false };
export const postscript: KnownFormat = { name: "a PostScript file", isPlanned: true };
export const unknownBinary: KnownFormat = { name: "a binary file of an unknown kind", isPlanned: false };

/** By the extension that content detection reports, which never comes from the file's name. */
const byDetectedExtension: ReadonlyMap<string, KnownFormat> = new Map([
  ["eml", mail],
  ["odg", drawing],
  ["epub", book],
  ["mobi", book],
  ["zip", archive],
  ["7z", archive],
  ["rar", archive],
  ["gz", archive],
  ["tar", archive],
  ["bz2", archive],
  ["xz", archive],
  ["zst", archive],
  ["xml", xmlDocument],
  ["svg", vectorImage],
  ["ps", postscript],
  ["eps", postscript],
]);

/** What to call a format that content detection recognised and we do not read. */
export function describeDetected(extension: string, mediaType: string): KnownFormat {
  const known = byDetectedExtension.get(extension);
  if (known !== undefined) return known;
  const name = extension.toUpperCase();
  if (mediaType.startsWith("image/")) {
    return { name: `a picture in the format ${name}`, isPlanned: true, advice: "Save it as PNG or JPEG." };
  }
  if (mediaType.startsWith("audio/")) return { name: `an audio file (${name})`, isPlanned: false };
  if (mediaType.startsWith("video/")) return { name: `a video (${name})`, isPlanned: false };
  if (mediaType.startsWith("font/")) return { name: `a font (${name})`, isPlanned: false };
  return { name: `a file of type ${name} (${mediaType})`, isPlanned: false };
}

/** Programs by their first bytes. Checked before everything else: some also pass as documents. */
export function describeProgram(head: Uint8Array): string | undefined {
  const at = (index: number): number => head[index] ?? 0;
  const word = ((at(0) << 24) | (at(1) << 16) | (at(2) << 8) | at(3)) >>> 0;
  if (word >>> 16 === 0x4d5a && hasControlBytes(head.subarray(2, 64))) return "a Windows program";
  if (word === 0x7f454c46) return "a Linux program";
  if (machHeaders.has(word)) return "a macOS program or Java class";
  return undefined;
}

const machHeaders: ReadonlySet<number> = new Set([
  0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe, 0xcafebabe,
]);

/** "MZ" may also begin a text; the header fields of a program hold zero or control bytes. */
function hasControlBytes(bytes: Uint8Array): boolean {
  return bytes.some((byte) => byte < 0x09);
}
