import { describe, expect, it } from "vitest";
import { TextBuilder } from "./text-builder.ts";

describe("TextBuilder", () => {
  it("writes headings as in Markdown, on one line, and leaves out empty ones", () => {
    const builder = new TextBuilder();
    builder.beginHeading(2);
    builder.add("  The\n");
    builder.add("race");
    builder.endParagraph();
    builder.beginHeading(1);
    builder.endParagraph();
    builder.add("Water runs.");
    builder.endParagraph();

    expect(builder.text().split(/\n+/)).toEqual(["## The race", "Water runs.", ""]);
  });

  it("puts a row on one line and keeps the paragraphs of a cell together", () => {
    const builder = new TextBuilder();
    builder.beginTable();
    builder.beginCell();
    builder.add("north\ngate");
    builder.endParagraph();
    builder.add("open");
    builder.endParagraph();
    builder.beginCell();
    builder.add("1.2");
    builder.endParagraph();
    builder.endRow();
    builder.endTable();

    expect(builder.text()).toBe("north gate open | 1.2\n\n");
  });

  it("takes no heading in a table", () => {
    const builder = new TextBuilder();
    builder.beginTable();
    builder.beginCell();
    builder.beginHeading(1);
    builder.add("Gate");
    builder.endParagraph();
    builder.endRow();

    expect(builder.text()).toBe("Gate\n");
  });
});
