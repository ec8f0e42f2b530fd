import { describe, expect, it } from "vitest";
import { QuotedText } from "./find-quote.ts";
import type { FoundQuote } from "./find-quote.ts";

function findQuote(text: string, quote: string): FoundQuote | undefined {
  return new QuotedText(text).find(quote);
}

function found(text: string, quote: string): string | undefined {
  const place = findQuote(text, quote);
  return place === undefined ? undefined : text.slice(place.start, place.end);
}

describe("a quote", () => {
  it.each([
    ["as it is", "The mill stands. It grinds rye.", "It grinds rye.", "It grinds rye"],
    ["in other case", "The Mill GRINDS rye daily.", "the mill grinds rye", "The Mill GRINDS rye"],
    ["over lines", "The mill\n   grinds\trye.", "mill grinds rye", "mill\n   grinds\trye"],
    ["in other quotation marks", "“It’s ground,” he said", `"It's ground," he said`, "It’s ground,” he said"],
    ["with another dash", "open 9–17 o’clock daily", "open 9-17 o'clock daily", "open 9–17 o’clock daily"],
    ["composed otherwise", "Cafe\u0301 Ange\u0301lique", "Café Angélique", "Cafe\u0301 Ange\u0301lique"],
    ["with ligatures", "the oﬃcial ﬁgures", "the official figures", "the oﬃcial ﬁgures"],
    ["with full-width letters", "ＡＢＣ１２３４５ is it", "abc12345 is", "ＡＢＣ１２３４５ is"],
    ["divided at a line's end", "the mill is an exam-\nple of it", "an example of it", "an exam-\nple of it"],
    ["hyphenated at a line's end", "a well-\nknown mill", "a well-known mill", "a well-\nknown mill"],
    ["with soft hyphens", "the wind\u00admill turns", "the windmill turns", "the wind\u00admill turns"],
    ["in Markdown", "The **mill** grinds `rye` daily", "the mill grinds rye", "The **mill** grinds `rye"],
    ["of a table", "| rye | 120 sacks |", "rye 120 sacks", "rye | 120 sacks"],
    ["between marks of its own", "The mill grinds rye, and oats.", "“…mill grinds rye.”", "mill grinds rye"],
    ["in Chinese", "水车磨坊位于河边。", "磨坊位于河边", "磨坊位于河边"],
    ["in decomposed Korean", "그 방앗간은 강가에 있다".normalize("NFD"), "방앗간은 강가에", undefined],
    ["in Arabic", "الطاحونة تقع بجانب النهر", "تقع بجانب النهر", "تقع بجانب النهر"],
    ["with an emoji before", "🌾🌾 The mill grinds rye", "mill grinds rye", "mill grinds rye"],
  ])("is found %s", (_what, text, quote, expected) => {
    expect(found(text, quote)?.normalize()).toBe((expected ?? quote).normalize());
  });

  it("is found where it is whole, not where it is part of words before", () => {
    expect(findQuote("unable to pay; able to pay", "able to pay")).toEqual({ start: 15, end: 26 });
  });

  it.each([
    ["invented", "The mill grinds rye.", "The mill grinds wheat."],
    ["with another number", "It has 1.5 million sacks.", "It has 15 million sacks."],
    ["with half of a number", "It has 1.5 million sacks.", "5 million sacks"],
    ["without its minus", "It was -5 degrees cold.", "5 degrees cold"],
    ["with a word left out", "He is not guilty of it.", "He is guilty of it."],
    ["joined of two places", "The mill grinds. The dog barks.", "The mill barks loudly"],
    ["with an omission", "The mill by the river grinds rye.", "The mill … grinds rye"],
    ["that cuts a word", "He was unable to pay.", "able to pay"],
    ["too short to tell", "It is so, and so it is.", "so it"],
    ["of nothing", "It is so.", " … "],
  ])("is not found when it is %s", (_what, text, quote) => {
    expect(findQuote(text, quote)).toBeUndefined();
  });

  it("is not looked for at length in a text that nearly has it everywhere", () => {
    expect(findQuote("ab ".repeat(20_000), `${"ab ".repeat(10_000)}c`)).toBeUndefined();
  });
});
