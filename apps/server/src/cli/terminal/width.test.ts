import { describe, expect, it } from "vitest";
import { printableLine, printableText } from "./printable.ts";
import { columnsOf, fit, shorten, wrap } from "./width.ts";

describe("columnsOf", () => {
  it.each([
    ["report.pdf", 10],
    ["Prüfbericht", 11],
    ["e\u0301tude", 5],
    ["報告書", 6],
    ["👩‍👩‍👧 x", 4],
    ["", 0],
  ])("counts %j as %i", (text, columns) => {
    expect(columnsOf(text)).toBe(columns);
  });
});

describe("shorten", () => {
  it("leaves what fits", () => {
    expect(shorten("report.pdf", 10)).toBe("report.pdf");
  });

  it("never cuts a wide character in two", () => {
    expect(shorten("報告書.pdf", 6)).toBe("報告…");
  });

  it("answers at once for names without end", () => {
    expect(columnsOf(shorten("é".repeat(5_000_000), 30))).toBe(30);
  });
});

describe("fit", () => {
  it("fills up by columns, not by characters", () => {
    expect(fit("報告", 6)).toBe("報告  ");
  });
});

describe("wrap", () => {
  it("breaks at spaces and keeps line breaks", () => {
    expect(wrap("one two three\nfour", 8)).toEqual(["one two", "three", "four"]);
  });
});

describe("printable", () => {
  it("leaves no escape sequence and no line break in a line", () => {
    expect(printableLine("a\u001b[2Jb\nc\u202ed\u0007")).toBe("a[2Jb cd");
  });

  it("keeps lines of a text", () => {
    expect(printableText("one\r\ntwo\u001b]0;x\u0007\n\tthree ")).toBe("one\ntwo]0;x\n    three");
  });
});
