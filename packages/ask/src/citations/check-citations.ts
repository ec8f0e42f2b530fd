import type { Citation } from "@millrace/contracts";
import type { ReadPassage } from "../retrieval/retrieve.ts";
import { QuotedText } from "./find-quote.ts";
import { marker, Markers, numbersIn } from "./markers.ts";

/** A citation as a model gives it: the number of a passage, from 1, and words of it. */
export type GivenCitation = { readonly passage: number; readonly quote: string };

export type CheckedAnswer = {
  /** With `[1]` only for citations that were found. */
  readonly answer: string;
  readonly citations: readonly Citation[];
  readonly removed: number;
};

/**
 * Looks each quote up in the text of its passage, and in the others when a model has only mixed up their numbers. What
 * is found in none of them is removed, with its mark in the answer, as are marks without a quote. A quote given twice
 * counts once.
 */
export function checkCitations(
  answer: string,
  given: readonly GivenCitation[],
  passages: readonly ReadPassage[],
): CheckedAnswer {
  const texts = passages.map(({ text }) => new QuotedText(text));
  const found = given.flatMap((citation) => locate(citation, passages, texts) ?? []);
  const quoted = new Set(found.map(({ index }) => index + 1));
  // A passage that was named by mistake hands its mark on to the one that has the quote.
  const heirs = new Map(found.map(({ named, index }) => [named, index + 1]));
  const heirOf = (passage: number): number =>
    quoted.has(passage) ? passage : (heirs.get(passage) ?? passage);
  const unquoted = new Set<number>();
  const renamed = answer.replaceAll(marker, (whole, list: string) => {
    const named = numbersIn(list);
    for (const passage of named)
      if (!given.some((citation) => citation.passage === passage)) unquoted.add(passage);
    return `${/^\s/.test(whole) ? " " : ""}[${named.map(heirOf).join(",")}]`;
  });
  const markers = new Markers((passage) => quoted.has(passage));
  const text = `${markers.add(renamed)}${markers.end()}`.trim();
  const seen = new Set<string>();
  const citations = found
    .map(({ passage, index, start, end }): Citation => {
      const { chunkId, documentId, title, page, section, charStart } = passage;
      return {
        number: markers.numberOf(index + 1),
        ...{ document_id: documentId, document_title: title, chunk_id: chunkId, page, section },
        ...{ char_start: charStart + start, char_end: charStart + end },
        quote: passage.text.slice(start, end),
      };
    })
    .filter(({ chunk_id: id, char_start: start, char_end: end }) => {
      const key = `${id} ${start} ${end}`;
      const isNew = !seen.has(key);
      seen.add(key);
      return isNew;
    })
    .toSorted((left, right) => left.number - right.number || left.char_start - right.char_start);
  return { answer: text, citations, removed: given.length - found.length + unquoted.size };
}

type Located = {
  /** The number that the model gave. */
  readonly named: number;
  readonly index: number;
  readonly passage: ReadPassage;
  readonly start: number;
  readonly end: number;
};

function locate(
  { passage: named, quote }: GivenCitation,
  passages: readonly ReadPassage[],
  texts: readonly QuotedText[],
): Located | undefined {
  const order = [named - 1, ...passages.keys().filter((index) => index !== named - 1)];
  for (const index of order) {
    const passage = passages[index];
    const place = texts[index]?.find(quote);
    if (passage !== undefined && place !== undefined) return { named, index, passage, ...place };
  }
  return undefined;
}
