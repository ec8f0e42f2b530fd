import { describe, expect, it } from "vitest";
import { titleOf } from "./plain-text.ts";

describe("titleOf", () => {
  it("takes the first line without its Markdown signs", () => {
    expect(titleOf("\n\n## A report\n\nText")).toBe("A report");
  });

  it("shortens a long line at a word", () => {
    const title = titleOf("word ".repeat(100));

    expect(title.length).toBeLessThanOrEqual(81);
    expect(title.endsWith("word…")).toBe(true);
  });
});
