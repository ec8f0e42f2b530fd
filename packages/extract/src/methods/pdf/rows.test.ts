import type { TextItem } from "pdfjs-dist/types/src/display/api.js";
import { describe, expect, it } from "vitest";
import { assembleLines } from "./lines.ts";
import { groupRows } from "./rows.ts";

function piece(str: string, x: number, y: number, hasEOL = false): TextItem {
  const transform = [10, 0, 0, 10, x, y];
  return { str, dir: "ltr", transform, width: str.length * 5, height: 10, fontName: "f1", hasEOL };
}

function read(items: readonly TextItem[]): string[] {
  return assembleLines(groupRows(items)).map(({ text }) => text);
}

describe("groupRows", () => {
  it("puts cells that are drawn from right to left into their order, and keeps what is drawn together", () => {
    expect(
      read([
        piece("920.68", 400, 700),
        piece("Grain ", 200, 700),
        piece("sold", 230, 700),
        piece("May", 50, 700, true),
      ]),
    ).toEqual(["May\tGrain sold\t920.68"]);
  });

  it("does not mix two lines between which the library has seen no end", () => {
    expect(read([piece("Above", 300, 700), piece("Below", 50, 660, true)])).toEqual(["Above Below"]);
  });
});
