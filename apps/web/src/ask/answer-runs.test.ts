import type { Citation } from "@millrace/contracts";
import { expect, it } from "vitest";
import { answerRuns, isElsewhere, sourcesOf } from "./answer-runs.ts";

function citation(number: number, quote: string): Citation {
  return {
    ...{ number, quote, document_id: "d", document_title: "Mill", chunk_id: "c", page: null, section: null },
    ...{ char_start: 0, char_end: quote.length },
  };
}

it("cuts an answer at the marks of its citations", () => {
  const runs = answerRuns("In 1742 [1][2], as [9] says.", [citation(1, "a"), citation(2, "b")]);

  expect(runs.map((run) => (run.kind === "text" ? run.text : run.citation.number))).toEqual([
    "In 1742 ",
    1,
    2,
    ", as ",
    "[9]",
    " says.",
  ]);
});

it("puts quotes of one passage together", () => {
  const sources = sourcesOf([citation(1, "a"), citation(1, "b"), citation(2, "c")]);

  expect(sources.map(({ quotes }) => quotes.map(({ quote }) => quote))).toEqual([["a", "b"], ["c"]]);
});

it("tells where a passage's next quote stands when that is another page or section", () => {
  const first = citation(1, "a");

  expect(isElsewhere(citation(1, "b"), first)).toBe(false);
  expect(isElsewhere({ ...first, page: 2 }, first)).toBe(true);
  expect(isElsewhere({ ...first, section: "The dog" }, first)).toBe(true);
});
