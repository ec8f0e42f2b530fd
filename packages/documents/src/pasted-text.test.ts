import { describe, expect, it } from "vitest";
import { cleanPastedText } from "./pasted-text.ts";

describe("cleanPastedText", () => {
  it("takes out what a database refuses", () => {
    expect(cleanPastedText("a\u0000b\ud800c\r\nd")).toBe("ab\ufffdc\nd");
  });

  it.each(["", "  \n\t", "\u200b\u0000"])("refuses %j as empty", (text) => {
    expect(() => cleanPastedText(text)).toThrowError(expect.objectContaining({ code: "text_empty" }));
  });
});
