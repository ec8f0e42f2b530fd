import { describe, expect, it } from "vitest";
import type { ReadPassage } from "../retrieval/retrieve.ts";
import { checkCitations } from "./check-citations.ts";

function passage(index: number, text: string): ReadPassage {
  const id = `01900000-0000-7000-8000-00000000000${index}`;
  return {
    ...{ chunkId: id, documentId: id, title: `Text ${index}`, text, page: null, section: null },
    ...{ charStart: 100 * index, charEnd: 100 * index + text.length, excerpt: text },
  };
}

const passages = [
  passage(1, "The mill stands by the river."),
  passage(2, "The miller has a dog. It barks at night."),
];

describe("citations", () => {
  it("are kept with their place in the document, numbered as the answer marks them", () => {
    const checked = checkCitations(
      "He has a dog [2]. The mill is near water [1].",
      [
        { passage: 1, quote: "mill stands by the RIVER" },
        { passage: 2, quote: "The miller has a dog." },
      ],
      passages,
    );

    expect(checked).toMatchObject({
      answer: "He has a dog [1]. The mill is near water [2].",
      citations: [
        {
          number: 1,
          document_title: "Text 2",
          quote: "The miller has a dog",
          char_start: 200,
          char_end: 220,
        },
        { number: 2, document_title: "Text 1", quote: "mill stands by the river", char_start: 104 },
      ],
      removed: 0,
    });
  });

  it("are removed with their marks when they are not in the text, and counted", () => {
    const checked = checkCitations(
      "He has a dog [2] and a cat [1], and ten hens [9].",
      [
        { passage: 2, quote: "The miller has a dog." },
        { passage: 1, quote: "The miller has a cat." },
        { passage: 77, quote: "No passage has this number." },
      ],
      passages,
    );

    expect(checked).toMatchObject({ answer: "He has a dog [1] and a cat, and ten hens.", removed: 3 });
    expect(checked.citations).toHaveLength(1);
  });

  it("go to the passage that has the words when the model mixed up the numbers", () => {
    const checked = checkCitations("A dog [1].", [{ passage: 1, quote: "The miller has a dog." }], passages);

    expect(checked).toMatchObject({
      answer: "A dog [1].",
      citations: [{ number: 1, document_title: "Text 2" }],
      removed: 0,
    });
  });

  it("share the number of their passage, once for each quote, marked in the answer or not", () => {
    const dog = { passage: 2, quote: "The miller has a dog." };
    const checked = checkCitations(
      "A dog.",
      [dog, dog, { passage: 2, quote: "It barks at night" }, { passage: 1, quote: "stands by the river" }],
      passages,
    );

    expect(checked.citations.map(({ number, quote }) => [number, quote])).toEqual([
      [1, "The miller has a dog"],
      [1, "It barks at night"],
      [2, "stands by the river"],
    ]);
  });
});
