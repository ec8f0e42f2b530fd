import { describe, expect, it } from "vitest";
import type { Line } from "./lines.ts";
import * as paragraphs from "./paragraphs.ts";

function joinParagraphs(lines: readonly Line[]): string {
  return paragraphs
    .joinParagraphs(lines)
    .map(({ text }) => text)
    .join("\n\n");
}

/** A line of 6-point-wide letters; rows are 14 points apart. */
function line(row: number, text: string, place: Partial<Line> = {}): Line {
  const left = place.left ?? 72;
  return {
    text,
    left,
    right: left + text.length * 6,
    y: 700 - row * 14,
    height: 12,
    isRightToLeft: false,
    isHorizontal: true,
    size: place.height ?? 12,
    font: "body",
    isOneFont: true,
    ...place,
  };
}

const full = "The race carries the water of the river from the weir to";

describe("joinParagraphs", () => {
  it("joins full lines and ends the paragraph at a short one", () => {
    const text = joinParagraphs([line(0, full), line(1, "the wheel."), line(2, full), line(3, "its end.")]);

    expect(text).toBe(`${full} the wheel.\n${full} its end.`);
  });

  it("sets blocks apart by a larger gap or another size", () => {
    const text = joinParagraphs([
      line(0, "A heading", { height: 20 }),
      line(2, full),
      line(3, `${full} it`),
      line(6, "Apart."),
    ]);

    expect(text).toBe(`A heading\n\n${full} ${full} it\n\nApart.`);
  });

  it.each([
    ["The water that turns the wheel flows from the weir to the oppo-", "site bank.", "opposite bank."],
    ["The water that turns the wheel flows from the weir to the left-", "Bank mill.", "left-Bank mill."],
    ["The water that turns the wheel flows from the weir to the oppo\u00AD", "site bank.", "opposite bank."],
    [
      "The well-known, well-built miller, who lives beside it and is well-",
      "known here.",
      "well-known here.",
    ],
  ])("joins the word broken in %j", (first, second, end) => {
    expect(joinParagraphs([line(0, first), line(1, second)]).endsWith(end)).toBe(true);
  });

  it("keeps list items and table rows on lines of their own", () => {
    const items = ["• the weir, which keeps the water of the river high enough", "• the race"];
    const rows = ["North gate at the upper end of the race\t1.20 m", "South gate\t0.90 m"];

    expect(joinParagraphs(items.map((text, row) => line(row, text)))).toBe(items.join("\n"));
    expect(joinParagraphs(rows.map((text, row) => line(row, text)))).toBe(rows.join("\n"));
  });

  it("starts a paragraph at an indented line", () => {
    const text = joinParagraphs([
      line(0, full),
      line(1, `${full}.`),
      line(2, "Then it rains.", { left: 96 }),
    ]);

    expect(text).toBe(`${full} ${full}.\nThen it rains.`);
  });

  it("joins Chinese without a space", () => {
    const wide = (row: number, text: string): Line => line(row, text, { right: 72 + text.length * 12 });

    expect(joinParagraphs([wide(0, "水车小屋的主人每天清晨打开"), wide(1, "水闸。")])).toBe(
      "水车小屋的主人每天清晨打开水闸。",
    );
  });

  it("leaves turned text as it is", () => {
    const turned = { isHorizontal: false };

    expect(joinParagraphs([line(0, full, turned), line(1, "and on", turned)])).toBe(`${full}\n\nand on`);
  });
});
