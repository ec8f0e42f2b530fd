import { isMillraceError } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { analyse } from "../src/built-in/analyse.ts";

const sentence =
  "The committee of the town decided to repair the bridge because an engineer had found rust. ";

// Built when its test runs: ten megabytes each are too much to hold all at once.
const texts: ReadonlyArray<readonly [string, () => string]> = [
  ["10 MB of one letter", () => "a".repeat(10_000_000)],
  ["a million newlines", () => "\n".repeat(1_000_000)],
  ["5 MB of words without spaces", () => "word.Word,".repeat(500_000)],
  ["zero-width characters", () => "a\u200b\u200d\ufeff".repeat(1_000_000)],
  ["a line of 5 MB", () => sentence.repeat(55_000)],
  [
    "10 MB of sentences of two words",
    () => Array.from({ length: 800_000 }, (_, index) => `Word${index} is. `).join(""),
  ],
  ["10 MB of headings", () => "# a\n".repeat(2_500_000)],
  ["marks of emphasis that never close", () => " **a __b `c [d](e".repeat(300_000)],
  ["characters decoded wrongly again and again", () => "â€™".repeat(1_000_000)],
];

// Processor time, so that a busy machine breaks nothing; on an idle one it is a fifth of that.
const mostMs = 45_000;

describe("the built-in model on texts made to be slow", () => {
  it.each(texts)(
    "bounds its time on %s",
    (_name, build) => {
      const text = build();
      const before = process.threadCpuUsage();

      for (const operation of ["analysis", "answer"] as const) {
        try {
          analyse({ operation, text, title: null, language: null, question: "Who decided to repair it?" });
        } catch (error) {
          // A text of nothing is refused, which is an answer too.
          if (!isMillraceError(error) || error.kind !== "unsupported") throw error;
        }
      }

      const { user, system } = process.threadCpuUsage(before);
      expect((user + system) / 1000).toBeLessThan(mostMs);
    },
    240_000,
  );
});

describe("the built-in model on very long texts", () => {
  const chapter = (index: number) => `Chapter ${index} tells of village${index} and its mill. `.repeat(40);

  it("reads its beginning, its end and what lies between, and says how much", () => {
    const text = Array.from({ length: 2500 }, (_, index) => chapter(index)).join("\n\n");

    const asked = { operation: "answer", text, title: null, language: "en" } as const;
    const first = analyse({ ...asked, question: "What is told of village0?" });
    const last = analyse({ ...asked, question: "What is told of village2499?" });

    expect(first).toMatchObject({
      quotes: [expect.objectContaining({ text: expect.stringContaining("village0 ") })],
    });
    expect(last).toMatchObject({
      quotes: [expect.objectContaining({ text: expect.stringContaining("village2499") })],
    });
    expect(first["coverage"]).toBeGreaterThan(0.05);
    expect(first["coverage"]).toBeLessThan(0.5);
  }, 120_000);

  it("reads all of a text of a megabyte", () => {
    const text = sentence.repeat(10_000);

    expect(analyse({ operation: "topics", text, title: null, language: "en" })["coverage"]).toBe(1);
  }, 120_000);
});
