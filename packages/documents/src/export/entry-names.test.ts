import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEntryNames, safeEnding, safeFileName } from "./entry-names.ts";

describe("the name of an exported document", () => {
  it.each([
    ["Quarterly report", "Quarterly report"],
    ["Отчёт 2026 — año", "Отчёт 2026 — año"],
    ["../../etc/passwd", "etc-passwd"],
    ["C:\\Windows\\system32", "C-Windows-system32"],
    ["/absolute", "absolute"],
    ["a\u0000b\r\nc", "a b c"],
    ["gnp.\u202Efdp.exe", "gnp. fdp.exe"],
    ["..", "document"],
    ["???", "document"],
    ["", "document"],
    ["CON", "_CON"],
    ["nul.txt", "_nul.txt"],
    ["ends with a dot.", "ends with a dot"],
    ["~root", "root"],
    ["\uD800 half", "half"],
  ])("of %j is %j", (title, name) => {
    expect(safeFileName(title)).toBe(name);
  });

  it("is cut between characters", () => {
    expect(safeFileName("👩‍🌾".repeat(100)).isWellFormed()).toBe(true);
    expect([...safeFileName("x".repeat(500))]).toHaveLength(60);
  });

  it("is one that every system takes, whatever the title", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (title) => {
        const name = safeFileName(title);

        expect(name).not.toMatch(/[/\\:*?"<>|\p{Cc}]|^[.\s]|[.\s]$/u);
        expect(name).not.toBe("");
        expect(Buffer.byteLength(name)).toBeLessThan(250);
      }),
    );
  });

  it("gets a number when another has it, whatever the case", () => {
    const nameOf = createEntryNames();

    const names = ["Report", "report", "Report (2)", "Report", "REPORT"].map(nameOf);

    expect(names).toEqual(["Report", "report (2)", "Report (2) (2)", "Report (3)", "REPORT (4)"]);
  });

  it("keeps a plain ending of the file only", () => {
    expect(["a.PDF", "a.tar.gz", "a", null, "a./etc", "a.\u202Eexe"].map(safeEnding)).toEqual([
      ".pdf",
      ".gz",
      "",
      "",
      "",
      "",
    ]);
  });
});
