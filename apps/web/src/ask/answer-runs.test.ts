import type { Citation } from "@millrace/contracts";
import { expect, it } from "vitest";
import { answerRuns, sourcesOf } from "./answer-runs.ts";

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
