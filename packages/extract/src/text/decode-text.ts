import iconv from "iconv-lite";
import { detect } from "jschardet";
import type { ExtractionWarning } from "../extracted-text.ts";
import { repairMojibake } from "./repair-mojibake.ts";
import { nulBytesRemoved } from "./sanitize-text.ts";
import { detectUtf16 } from "./utf16.ts";

export type DecodedText = {
  readonly text: string;
  readonly encoding: string;
  readonly warnings: readonly ExtractionWarning[];
};

/** Statistics stop improving long before this; the detector's time grows with the sample. */
const sampleBytes = 64 * 1024;

/**
 * Below this the detector's guess is no better than the most common legacy encoding. Right guesses on
 * a few sentences of Polish, French or Turkish reach 0.13 to 0.25, wrong ones on two words 0.04.
 */
const minConfidence = 0.07;

/** With fewer letters outside of ASCII there is nothing to count: a lone "é" or "€" is Windows-1252. */
const minEvidence = 4;

/**
 * What the detector may answer. Encodings of DOS, old Macs and mainframes are left out: they are rare
 * now, and their tables fit German or French sentences so well that they displace the right answer.
 */
const likelyEncodings = [
  ...["utf-8", "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254"],
  ...["windows-1255", "windows-1256", "windows-1257", "windows-1258", "windows-874", "tis-620"],
  ...["iso-8859-2", "iso-8859-5", "iso-8859-7", "koi8-r", "koi8-u", "big5", "big5hkscs", "gb18030"],
  ...["euc-jp", "shift_jis", "cp932", "iso-2022-jp", "euc-kr", "cp949"],
];

/** Asked only about text that can be none of the above. */
const oldEncodings = ["macroman", "cp437", "cp850", "cp852", "cp866"];

const multiByte = /^(?:cp932|shift_?jis|euc|iso-2022|big5|gb|hz|cp949|utf)/i;

/**
 * Decodes bytes of unknown encoding: byte order mark, strict UTF-8, UTF-16 by its zero bytes, the
 * encoding the document itself declares, then statistics. Never throws; doubts become warnings.
 */
export function decodeText(bytes: Uint8Array, declaredEncoding?: string): DecodedText {
  const encoding = chooseEncoding(bytes, declaredEncoding);
  const decoded = decodeAs(bytes, encoding);
  const warnings: ExtractionWarning[] = [];
  const nulCount = countNuls(decoded);
  if (nulCount > 0) warnings.push(nulBytesRemoved(nulCount));
  const text = nulCount > 0 ? decoded.replaceAll("\u0000", "") : decoded;
  const replaced = countReplacements(text);
  if (replaced > 0) {
    warnings.push({
      code: "characters_replaced",
      message: `${replaced} characters could not be read as ${encoding} and appear as \uFFFD.`,
    });
  }
  const repaired = repairMojibake(text);
  if (repaired === undefined) return { text, encoding, warnings };
  warnings.push({
    code: "encoding_repaired",
    message: `${repaired.count} wrongly encoded characters (such as "Ã©" for "é") were repaired.`,
  });
  return { text: repaired.text, encoding, warnings };
}

/** Decodes every byte as Windows-1252, which can't fail: the last resort. */
export function decodeLatin1(bytes: Uint8Array): DecodedText {
  const decoded = decodeAs(bytes, "windows-1252");
  const nulCount = countNuls(decoded);
  const warnings = [
    {
      code: "encoding_uncertain",
      message: "The encoding could not be determined; the text was read as Windows-1252.",
    },
    ...(nulCount > 0 ? [nulBytesRemoved(nulCount)] : []),
  ];
  return { text: decoded.replaceAll("\u0000", ""), encoding: "windows-1252", warnings };
}

function chooseEncoding(bytes: Uint8Array, declared: string | undefined): string {
  const marked = encodingOfMark(bytes);
  if (marked !== undefined) return marked;
  const sample = bytes.subarray(0, sampleBytes);
  const hasNul = sample.includes(0);
  if (hasNul) {
    const utf16 = detectUtf16(sample);
    if (utf16 !== undefined) return utf16;
  }
  if (isUtf8(bytes) && !usesEscapeSequences(sample)) return "utf-8";
  const named = declared === undefined ? undefined : supportedName(declared);
  if (named !== undefined && named !== "utf-8") return named;
  return detectUtf16(sample) ?? guessByStatistics(sample);
}

function encodingOfMark(bytes: Uint8Array): string | undefined {
  const [first, second, third, fourth] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xff && second === 0xfe) return third === 0 && fourth === 0 ? "utf-32le" : "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return undefined;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    // The exception is the answer.
    return false;
  }
}

/** ISO-2022-JP is pure ASCII, and so valid UTF-8, but for the escapes that switch sets. */
function usesEscapeSequences(sample: Uint8Array): boolean {
  const escape = Buffer.from(sample).indexOf(0x1b);
  return escape >= 0 && (sample[escape + 1] === 0x24 || sample[escape + 1] === 0x28);
}

function guessByStatistics(sample: Uint8Array): string {
  const likely = detect(sample, { detectEncodings: likelyEncodings });
  const isImpossible = /^iso-8859/i.test(likely.encoding ?? "") && sample.some(isUnusedByIso);
  const guess = isImpossible ? detect(sample, { detectEncodings: oldEncodings }) : likely;
  const name = guess.encoding === null ? undefined : supportedName(guess.encoding);
  if (name === undefined) return "windows-1252";
  // Windows-1252 has no such letters, so even a weak guess is better.
  if (sample.some((byte) => unassignedBytes.has(byte))) return name;
  if (guess.confidence < minConfidence) return "windows-1252";
  const evidence = sample.reduce((count, byte) => (byte >= 0x80 ? count + 1 : count), 0);
  return evidence < minEvidence && !multiByte.test(name) ? "windows-1252" : name;
}

/** The ISO encodings have control characters there, which no text holds. */
function isUnusedByIso(byte: number): boolean {
  return byte >= 0x80 && byte < 0xa0;
}

const unassignedBytes: ReadonlySet<number> = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);

/** The name iconv-lite knows, or undefined. ISO-8859-1 is read as its superset, as browsers do. */
export function supportedName(encoding: string): string | undefined {
  const name = encoding.trim().toLowerCase();
  if (name === "ascii" || name === "us-ascii" || name === "iso-8859-1" || name === "latin1")
    return "windows-1252";
  if (name === "utf8" || name === "utf-8" || name === "utf-8-sig") return "utf-8";
  if (name.length > 40 || notCharacters.has(name)) return undefined;
  return iconv.encodingExists(name) || createDecoder(name) !== undefined ? name : undefined;
}

/** The decoder of the platform, which knows ISO-2022-JP; iconv-lite knows most others better. */
function createDecoder(name: string): InstanceType<typeof TextDecoder> | undefined {
  try {
    return new TextDecoder(name);
  } catch {
    // The exception says that there is no such encoding.
    return undefined;
  }
}

/** iconv-lite also "decodes" these, which are not character encodings. */
const notCharacters: ReadonlySet<string> = new Set(["base64", "hex", "binary", "ucs2", "internal"]);

function decodeAs(bytes: Uint8Array, encoding: string): string {
  if (encoding === "utf-8") return new TextDecoder("utf-8").decode(bytes);
  if (encoding === "utf-16le" || encoding === "utf-16be") return new TextDecoder(encoding).decode(bytes);
  if (!iconv.encodingExists(encoding)) return createDecoder(encoding)?.decode(bytes) ?? "";
  return iconv.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), encoding);
}

function countNuls(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\u0000"); at >= 0; at = text.indexOf("\u0000", at + 1)) count += 1;
  return count;
}

function countReplacements(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\uFFFD"); at >= 0; at = text.indexOf("\uFFFD", at + 1)) count += 1;
  return count;
}
