import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { analyse } from "../analyse.ts";

const quotesSchema = z.object({
  quotes: z.array(
    z.object({ text: z.string(), start: z.number(), end: z.number(), score: z.number().min(0).max(1) }),
  ),
});

function ask(text: string, question: string | null, language: string | null = null) {
  return quotesSchema.parse(analyse({ operation: "answer", text, title: null, language, question })).quotes;
}

const news = readFileSync(new URL("../../../test/fixtures/news-en.txt", import.meta.url), "utf8");

describe("answering with quotes", () => {
  it("gives the sentence that answers, and where it stands", () => {
    const [best] = ask(news, "How much will the repair cost?");

    expect(best?.text).toBe("The repair is expected to cost 64 million euros.");
    expect(news.slice(best?.start, best?.end)).toBe(best?.text);
  });

  it("gives at most three, none twice, the best first", () => {
    const quotes = ask(`${news}\n\n${news}`, "What did the council say of the bridge?");

    expect(quotes.length).toBeLessThanOrEqual(3);
    expect(new Set(quotes.map((quote) => quote.text)).size).toBe(quotes.length);
  });

  it.each(["Who painted the Mona Lisa?", "How do whales sleep?", "What?", "the of and"])(
    "finds nothing for %j",
    (question) => {
      expect(ask(news, question)).toEqual([]);
    },
  );

  it("finds other forms of a word, and the words of other languages", () => {
    const german = readFileSync(new URL("../../../test/fixtures/report-de.txt", import.meta.url), "utf8");

    expect(ask("Never add meat. It attracts rats.", "What must not be added?")[0]?.text).toBe(
      "Never add meat.",
    );
    expect(ask(german, "Wie viele Gebäude wurden begleitet?", "de")[0]?.text).toContain("120 Gebäude");
  });

  it.each([null, "", " ?! "])("asks for a question instead of %j", (question) => {
    expect(() => ask(news, question)).toThrow(expect.objectContaining({ code: "question_missing" }));
  });
});
