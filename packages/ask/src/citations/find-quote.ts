/** Where a quote stands in a text, in UTF-16 units, the end not included. */
export type FoundQuote = { readonly start: number; readonly end: number };

/**
 * Letters and digits that a quote needs. Fewer stand in any text by chance; a longer minimum would refuse short
 * facts. Signs of Chinese, Japanese and Korean say more each.
 */
const leastWeight = 8;
const weightOfSign = 3;

/** A text that quotes are looked up in. It is read once, when the first one is. */
export class QuotedText {
  readonly #text: string;
  readonly #ways: readonly Hyphens[];
  readonly #folded = new Map<Hyphens, Folded>();

  constructor(text: string) {
    this.#text = text;
    this.#ways = /-\s*\n/.test(text) ? ["kept", "joined"] : ["kept"];
  }

  /**
   * Finds a quote word for word: case, white space, Markdown's signs, the form of quotation marks and dashes, and how
   * Unicode composes its characters do not matter, nor words that a line break divided; letters, digits and their order
   * do. It begins and ends with whole words: "able to pay" is not in "unable to pay". Undefined when it is not there,
   * or too short to tell.
   */
  find(quote: string): FoundQuote | undefined {
    for (const hyphens of this.#ways) {
      const wanted = trimEnds(fold(quote, hyphens).folded);
      if (weigh(wanted) < leastWeight) return undefined;
      const { folded, starts, ends } = this.#fold(hyphens);
      const at = findWhole(folded, wanted);
      const start = starts[at];
      const end = ends[at + wanted.length - 1];
      if (start !== undefined && end !== undefined) return { start, end };
    }
    return undefined;
  }

  #fold(hyphens: Hyphens): Folded {
    const known = this.#folded.get(hyphens) ?? fold(this.#text, hyphens);
    this.#folded.set(hyphens, known);
    return known;
  }
}

/** `joined`: a word divided at the end of a line is one word without a hyphen, else one with it. */
type Hyphens = "kept" | "joined";

type Folded = {
  readonly folded: string;
  /** Of each unit of `folded`, where the character that it came from begins and ends. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
};

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
// Soft hyphens, joiners, byte order marks: nobody sees them.
const unseen = /[\u00ad\u200b-\u200f\u2060\ufeff]/g;
const divided = /^-\s*\n\s*/;

function fold(text: string, hyphens: Hyphens): Folded {
  const starts: number[] = [];
  const ends: number[] = [];
  let folded = "";
  let skippedTo = 0;
  for (const { segment, index } of graphemes.segment(text)) {
    if (index < skippedTo) continue;
    const end = index + segment.length;
    const division = segment === "-" ? divided.exec(text.slice(index, index + 40)) : null;
    if (division !== null) skippedTo = index + division[0].length;
    const plain = division !== null && hyphens === "joined" ? "" : foldCharacter(segment);
    // Any run of white space is one space.
    if (plain === "" || (plain === " " && folded.endsWith(" "))) continue;
    folded += plain;
    for (let unit = 0; unit < plain.length; unit += 1) {
      starts.push(index);
      ends.push(end);
    }
  }
  return { folded, starts, ends };
}

function foldCharacter(character: string): string {
  const known = character.length === 1 ? ascii[character.charCodeAt(0)] : undefined;
  return known ?? foldAny(character);
}

function foldAny(character: string): string {
  const plain = character.normalize("NFKC").toLowerCase().replace(unseen, "");
  return plain
    .replace(/[\s*_`#|]+/g, " ")
    .replace(/[\u2018\u2019\u201a\u201b\u2032\u00b4]/g, "'")
    .replace(/[\u201c-\u201f\u2033\u00ab\u00bb]/g, '"')
    .replace(/[\u2010-\u2015\u2212]/g, "-");
}

/** Most characters of most texts. */
const ascii = Array.from({ length: 128 }, (_none, code) => foldAny(String.fromCharCode(code)));

/** Quotation marks, dots and brackets around a quote are the quoter's. */
function trimEnds(folded: string): string {
  return folded.replace(/^[\s"'.,;:[(]+/, "").replace(/[\s"'.,;:!?\])]+$/, "");
}

const signs = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;

function weigh(folded: string): number {
  const all = folded.match(/[\p{L}\p{N}]/gu)?.length ?? 0;
  return all + (folded.match(signs)?.length ?? 0) * (weightOfSign - 1);
}

const wordEnd = /[\p{L}\p{N}]$/u;
const wordStart = /^[\p{L}\p{N}]/u;
// Scripts that are written without spaces between words.
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

function findWhole(folded: string, wanted: string): number {
  for (let at = folded.indexOf(wanted); at !== -1; at = folded.indexOf(wanted, at + 1)) {
    const end = at + wanted.length;
    if (
      !cutsWord(folded.slice(Math.max(0, at - 2), at), wanted) &&
      !cutsWord(wanted, folded.slice(end, end + 2))
    )
      return at;
  }
  return -1;
}

function cutsWord(before: string, after: string): boolean {
  const left = before.slice(-2);
  const right = after.slice(0, 2);
  if (/\d[.,]$/.test(left) && /^\d/.test(right)) return true;
  if (/\d$/.test(left) && /^[.,]\d/.test(right)) return true;
  // "5 degrees" is not in "-5 degrees", but "17 o'clock" is in "9-17 o'clock".
  if (/(?:^|[^\p{L}\p{N}])-$/u.test(left) && /^\d/.test(right)) return true;
  return (
    wordEnd.test(left) &&
    wordStart.test(right) &&
    !unspaced.test(Array.from(left).at(-1) ?? "") &&
    !unspaced.test(Array.from(right)[0] ?? "")
  );
}
