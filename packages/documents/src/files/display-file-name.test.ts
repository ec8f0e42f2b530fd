import { assert, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { attachmentDisposition, displayFileName } from "./display-file-name.ts";

describe("displayFileName", () => {
  it.each([
    ["report.pdf", "report.pdf"],
    ["../../etc/passwd", "passwd"],
    ["..\\..\\windows\\system32\\config.txt", "config.txt"],
    ["C:\\Users\\me\\Übersicht 2026.docx", "Übersicht 2026.docx"],
    ["%2e%2e%2fsecret.txt", "%2e%2e%2fsecret.txt"],
    ["a\u0000b.pdf", "ab.pdf"],
    ["gnp.\u202efdp.exe", "gnp.fdp.exe"],
    ['a"\r\nX-Evil: yes.txt', 'a"X-Evil: yes.txt'],
    ["\u001b[2Jname.txt", "[2Jname.txt"],
    ["  two   spaces .txt ", "two spaces .txt"],
    ["half\ud800.txt", "half.txt"],
    ["CON", "CON"],
    ["", "untitled"],
    ["..", "untitled"],
    ["folder/", "untitled"],
    ["\u200b\u202e", "untitled"],
  ])("shows %j as %j", (given, shown) => {
    expect(displayFileName(given)).toBe(shown);
  });

  it("caps 5,000 characters at 255 and keeps the extension", () => {
    const shown = displayFileName(`${"x".repeat(5000)}.pdf`);

    expect(shown).toHaveLength(255);
    expect(shown.endsWith("….pdf")).toBe(true);
  });

  it("does not cut a character in half", () => {
    const shown = displayFileName(`${"😀".repeat(200)}.pdf`);

    expect(shown.isWellFormed()).toBe(true);
  });

  it("is safe for any input and changes nothing the second time", () => {
    assert(
      property(string({ unit: "binary", maxLength: 600 }), (name) => {
        const shown = displayFileName(name);
        expect(shown.length).toBeGreaterThan(0);
        expect(shown.length).toBeLessThanOrEqual(255);
        expect(shown).not.toMatch(/[/\\\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
        expect(shown.isWellFormed()).toBe(true);
        expect(displayFileName(shown)).toBe(shown);
      }),
    );
  });
});

describe("attachmentDisposition", () => {
  it("carries the real name encoded and an ASCII form beside it", () => {
    expect(attachmentDisposition("Übersicht (neu).pdf")).toBe(
      "attachment; filename=\"U_bersicht (neu).pdf\"; filename*=UTF-8''%C3%9Cbersicht%20%28neu%29.pdf",
    );
  });

  it("can't be broken out of by quotes or line breaks", () => {
    assert(
      property(string({ unit: "binary", maxLength: 300 }), (name) => {
        expect(attachmentDisposition(name)).toMatch(
          /^attachment; filename="[\x20-\x21\x23-\x5b\x5d-\x7e]*"; filename\*=UTF-8''[A-Za-z0-9!~_.%-]*$/u,
        );
      }),
    );
  });
});
