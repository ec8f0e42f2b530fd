import { describe, expect, it } from "vitest";
import { highlightWords, matchEnd, matchStart, parseHighlights } from "./highlights.ts";

describe("parseHighlights", () => {
  it("splits a marked passage into runs", () => {
    expect(parseHighlights(`a ${matchStart}mill${matchEnd} race`)).toEqual([
      { text: "a ", match: false },
      { text: "mill", match: true },
      { text: " race", match: false },
    ]);
  });

  it("keeps markup of the text as text", () => {
    expect(parseHighlights("<b>x</b>")).toEqual([{ text: "<b>x</b>", match: false }]);
  });
});

describe("highlightWords", () => {
  it("marks words of a script without spaces", () => {
    expect(highlightWords("我在北京大学读书", ["大学"])).toContainEqual({ text: "大学", match: true });
  });

  it("treats signs of the query as text", () => {
    expect(highlightWords("a+b (c", ["(c"])).toContainEqual({ text: "(c", match: true });
  });
});
