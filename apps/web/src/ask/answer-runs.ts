import type { Citation } from "@millrace/contracts";

/** A run of an answer: text, or the mark of a citation. */
export type AnswerRun =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "mark"; readonly citation: Citation };

/** Cuts an answer at its marks. A number in brackets that is no citation stays text. */
export function answerRuns(answer: string, citations: readonly Citation[]): AnswerRun[] {
  const parts = answer.split(/(\[\d{1,2}\])/);
  return parts
    .filter((part) => part !== "")
    .map((part): AnswerRun => {
      const number = /^\[(\d+)\]$/.exec(part)?.[1];
      const citation = citations.find((one) => String(one.number) === number);
      return citation === undefined ? { kind: "text", text: part } : { kind: "mark", citation };
    });
}

/** Citations of one number are quotes of one passage. */
export type Source = { readonly first: Citation; readonly quotes: readonly Citation[] };

export function sourcesOf(citations: readonly Citation[]): Source[] {
  const byNumber = Map.groupBy(citations, ({ number }) => number);
  return [...byNumber.values()].flatMap((quotes) => {
    const [first] = quotes;
    return first === undefined ? [] : [{ first, quotes }];
  });
}

/** Whether a quote stands on another page or in another section than the one before it of the same passage. */
export function isElsewhere(quote: Citation, before: Citation): boolean {
  return quote.page !== before.page || quote.section !== before.section;
}
