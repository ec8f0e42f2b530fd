import { describe, expect, it } from "vitest";
import { cleanPastedText, titleOf } from "./pasted-text.ts";

describe("cleanPastedText", () => {
  it("takes out what a database refuses", () => {
    expect(cleanPastedText("a\u0000b\ud800c\r\nd")).toBe("ab\ufffdc\nd");
  });

  it.each(["", "  \n\t", "\u200b\u0000"])("refuses %j as empty", (text) => {
    expect(() => cleanPastedText(text)).toThrowError(expect.objectContaining({ code: "text_empty" }));
  });
});

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
