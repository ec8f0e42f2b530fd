import fc from "fast-check";
import iconv from "iconv-lite";
import { describe, expect, it } from "vitest";
import { decodeLatin1, decodeText } from "./decode-text.ts";

describe("decodeText", () => {
  it("reads every well-formed text back that was written as UTF-8", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1 }).filter(isOrdinary);

    const property = fc.property(text, (value) => decodeText(Buffer.from(value)).text === value);

    expect(fc.check(property).failed).toBe(false);
  });

  it("never throws, whatever the bytes", () => {
    const property = fc.property(
      fc.uint8Array({ maxLength: 300 }),
      (bytes) => !decodeText(bytes).text.includes("\u0000"),
    );

    expect(fc.check(property).failed).toBe(false);
  });

  it("prefers valid UTF-8 to what a page declares", () => {
    expect(decodeText(Buffer.from("größer"), "iso-8859-1")).toMatchObject({
      text: "größer",
      encoding: "utf-8",
    });
  });

  it("reads what a page declares where it is no UTF-8", () => {
    const bytes = iconv.encode("größer – 5 €", "windows-1252");

    expect(decodeText(bytes, "ISO-8859-1")).toMatchObject({ text: "größer – 5 €", encoding: "windows-1252" });
  });

  it("ignores a declared encoding that does not exist", () => {
    expect(decodeText(Buffer.from("plain"), "base64").text).toBe("plain");
  });

  it("reads ISO-2022-JP, which is ASCII but for its escapes", () => {
    const bytes = Buffer.from("\u001b$B?e<V\u001b(B mill", "latin1");

    expect(decodeText(bytes)).toMatchObject({ text: "水車 mill", encoding: "iso-2022-jp" });
  });

  it("repairs text that went through the wrong encoding, and says so", () => {
    const decoded = decodeText(Buffer.from("MÃ¼ller Ã¶ffnet fÃ¼r 5 â‚¬ das Wehr"));

    expect(decoded.text).toBe("Müller öffnet für 5 € das Wehr");
    expect(decoded.warnings.map((warning) => warning.code)).toEqual(["encoding_repaired"]);
  });

  it.each(["Ã is a letter of Portuguese, as in MAÇÃ and AVELÃ.", "é è à ü ö ä â‚¬", "naïve café"])(
    "leaves proper text alone: %s",
    (text) => {
      expect(decodeText(Buffer.from(text)).text).toBe(text);
    },
  );

  it("reads every byte as a letter as the last resort", () => {
    expect(decodeLatin1(Buffer.from("caf\u00e9\u0000", "latin1"))).toMatchObject({
      text: "café",
      encoding: "windows-1252",
    });
  });
});

/** Text without what has a meaning of its own at the start, or looks like mojibake by chance. */
function isOrdinary(text: string): boolean {
  return text.isWellFormed() && !/[\u0000-\u0008\u001B\uFEFF\u00C2-\u00F4]/.test(text);
}
