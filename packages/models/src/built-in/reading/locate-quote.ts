// What may be looked at before giving up: some tens of milliseconds, whatever the text is made of.
const mostSteps = 5_000_000;

/**
 * Where a sentence stands in the text it was read from: line breaks, markup and wrongly decoded
 * characters in between do not matter, letters and digits do. Undefined when it is not found, or
 * not soon enough.
 */
export function locateQuote(
  source: string,
  quote: string,
): { readonly start: number; readonly end: number } | undefined {
  const plain = source.indexOf(quote);
  if (plain !== -1) return { start: plain, end: plain + quote.length };
  const counts = countedIn(quote);
  const letters = Array.from(quote)
    .filter((character) => counts(character))
    .join("");
  const first = letters.charAt(0);
  if (first === "") return undefined;
  let steps = mostSteps;
  for (let start = source.indexOf(first); start !== -1; start = source.indexOf(first, start + 1)) {
    const match = matchFrom({ source, letters, counts, mostSteps: steps }, start);
    if (match.end !== undefined) return { start, end: withClosing(source, match.end, quote) };
    steps -= match.steps;
    if (steps <= 0) return undefined;
  }
  return undefined;
}

/** In Latin text only ASCII letters count, because the others may have been mended; elsewhere all do. */
function countedIn(quote: string): (character: string) => boolean {
  const ascii = quote.match(/[a-zA-Z0-9]/g)?.length ?? 0;
  const isLatin = ascii >= (quote.match(/[\p{L}\p{N}]/gu)?.length ?? 0) * 0.6;
  return isLatin
    ? (character) => /[a-zA-Z0-9]/.test(character)
    : (character) => /[\p{L}\p{N}]/u.test(character);
}

type Search = {
  readonly source: string;
  readonly letters: string;
  readonly counts: (character: string) => boolean;
  readonly mostSteps: number;
};

function matchFrom(
  { source, letters, counts, mostSteps: limit }: Search,
  start: number,
): { readonly end?: number; readonly steps: number } {
  let position = start;
  let matched = 0;
  let gap = 0;
  while (position < source.length && position - start < limit) {
    const skipped = skipMarkup(source, position);
    if (skipped > position && matched > 0) {
      position = skipped;
      continue;
    }
    const character = source.charAt(position);
    position += 1;
    if (character === letters.charAt(matched)) {
      matched += 1;
      gap = 0;
      if (matched === letters.length) return { end: position, steps: position - start };
    } else if (counts(character) || (gap += 1) > longestGap) {
      break;
    }
  }
  return { steps: position - start };
}

// Quotation marks of mails, indents, emphasis, a page's footer taken out between two lines.
const longestGap = 80;

/** The end of a link's address or a tag that begins here, else the position itself. */
function skipMarkup(source: string, position: number): number {
  const character = source.charAt(position);
  const end =
    character === "]" && source.charAt(position + 1) === "("
      ? source.slice(position, position + 600).indexOf(")")
      : character === "<" && /[a-zA-Z/]/.test(source.charAt(position + 1))
        ? source.slice(position, position + 600).indexOf(">")
        : -1;
  return end === -1 ? position : position + end + 1;
}

/** The full stop and the closing quotation mark belong to the quote. */
function withClosing(source: string, end: number, quote: string): number {
  const closing = /[^\p{L}\p{N}]*$/u.exec(quote)?.[0] ?? "";
  return source.startsWith(closing, end) ? end + closing.length : end;
}
