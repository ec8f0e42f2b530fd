import fc from "fast-check";
import { expect, it } from "vitest";
import { JsonTextReader } from "./json-text-reader.ts";

function read(pieces: readonly string[]): string {
  const reader = new JsonTextReader("answer");
  return pieces.map((piece) => reader.add(piece)).join("");
}

it("reads a text of an object in whatever pieces it comes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 9 }), (answer, size) => {
      const json = JSON.stringify({
        found: true,
        answer,
        citations: [{ passage: 1, quote: '"answer": "no"' }],
      });
      const escaped = json.replace(
        /[^\x20-\x7e]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
      );
      const cut = (text: string) => text.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];

      expect(read(cut(json))).toBe(answer);
      expect(read(cut(escaped))).toBe(answer);
    }),
  );
});

it("gives nothing of what is no such object", () => {
  expect(read(["The answer is: ", "42", '{"other": "text"}'])).toBe("");
});

it("shows line breaks and escapes that stand in no JSON", () => {
  expect(read(['{"answer": "one\ntwo \\n three'])).toBe("one\ntwo \n three");
  expect(read(['{"answer": "a \\q b"'])).toBe("a \\q b");
});
