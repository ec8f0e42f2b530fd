import { expect, it } from "vitest";
import { readWords } from "./words.ts";

const head = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext";

function word(place: readonly [number, number, number], confidence: number, text: string): string {
  return ["5", "1", ...place, "1", "0", "0", "9", "9", confidence, text].join("\t");
}

it("puts words on lines and paragraphs apart", () => {
  const table = [
    head,
    "4\t1\t1\t1\t1\t0\t0\t0\t9\t9\t-1\t",
    word([1, 1, 1], 90, "The"),
    word([1, 1, 1], 80, "weir"),
    word([1, 1, 2], 70, "is"),
    word([1, 2, 1], 60, "open."),
    word([2, 1, 1], 50, "End"),
    "",
  ].join("\n");

  expect(readWords(table)).toEqual({ text: "The weir\nis\n\nopen.\n\nEnd", confidence: 70 });
});

it("is not sure of a page without words", () => {
  expect(readWords(`${head}\n`)).toEqual({ text: "", confidence: 0 });
});
