import { describe, expect, it } from "vitest";
import { findMarked, findWord, highlightWords, matchEnd, matchStart, parseHighlights } from "./highlights.ts";

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

describe("findMarked", () => {
  const mark = (text: string) => text.replaceAll("[", matchStart).replaceAll("]", matchEnd);

  it("tells where the part that was marked stands, though its word stands before, too", () => {
    const text = "A dog sleeps. The old dog barks. A cat.";

    expect(findMarked(text, mark("The old [dog] barks. … A [cat]."))).toBe(text.indexOf("dog barks"));
  });

  it("tells the first place of the word where PostgreSQL left out tags", () => {
    const text = "An <b>old</b> dog barks.";

    expect(findMarked(text, mark("An old [dog] barks."))).toBe(text.indexOf("dog"));
  });

  it("tells nothing where nothing is marked", () => {
    expect(findMarked("A dog.", "A dog.")).toBeUndefined();
  });
});

describe("findWord", () => {
  it("tells where the first of the words stands, if one does", () => {
    expect(findWord("我在北京大学读书", ["读书", "大学"])).toBe(4);
    expect(findWord("我在北京", ["大学"])).toBeUndefined();
    expect(findWord("我在北京", [""])).toBeUndefined();
  });
});
