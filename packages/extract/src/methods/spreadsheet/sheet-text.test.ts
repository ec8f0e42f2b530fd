import { describe, expect, it } from "vitest";
import { SheetText } from "./sheet-text.ts";

function write(
  rows: readonly (readonly [row: number, cells: readonly (readonly [number, string])[]])[],
): string {
  const text = new SheetText();
  for (const [row, cells] of rows) text.addRow(row, cells);
  return text.text();
}

describe("SheetText", () => {
  it("keeps columns aligned over empty cells, and makes one gap of many", () => {
    const text = write([
      [
        0,
        [
          [0, "a"],
          [1, "b"],
          [2, "c"],
        ],
      ],
      [
        1,
        [
          [0, "1"],
          [2, "3"],
        ],
      ],
      [
        2,
        [
          [0, "1"],
          [16_383, "far"],
        ],
      ],
    ]);

    expect(text).toBe("a | b | c\n1 |  | 3\n1 | far");
  });

  it("sets tables apart where rows are empty", () => {
    const text = write([
      [0, [[0, "first"]]],
      [1_048_575, [[0, "second\nline"]]],
    ]);

    expect(text).toBe("first\n\nsecond line");
  });

  it("repeats the names of columns above later rows", () => {
    const rows = Array.from(
      { length: 100 },
      (_, index) =>
        [
          index + 1,
          [
            [0, `gate number ${index}`],
            [1, "1.2"],
          ],
        ] as const,
    );

    const text = write([
      [
        0,
        [
          [0, "Gate"],
          [1, "Level"],
        ],
      ],
      ...rows,
    ]);

    expect(text.split("\n\n").length).toBeGreaterThan(1);
    for (const block of text.split("\n\n")) expect(block.split("\n")[0]).toBe("Gate | Level");
  });
});
