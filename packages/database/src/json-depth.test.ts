import { describe, expect, it } from "vitest";
import { isNestedDeeper } from "./json-depth.ts";

/** In each other, and beside that more than enough text for it to be looked at. */
const nested = (levels: number, innermost = ""): string =>
  `${"[".repeat(levels - 1)}{"padding":"${"x".repeat(100)}"${innermost}}${"]".repeat(levels - 1)}`;

describe("isNestedDeeper", () => {
  it.each<[string, string]>([
    ["exactly so deep", nested(5)],
    ["brackets in a string", nested(5, `,"text":"[[[[{{{{"`)],
    ["brackets in a key", nested(5, `,"[[[[{{{{":1`)],
    ["brackets after an escaped quote", nested(5, String.raw`,"text":"a\"[[[["`)],
    ["brackets after an escaped backslash and quote", nested(5, String.raw`,"text":"\\\"[[[["`)],
    ["many beside each other", `[${Array.from({ length: 50 }, () => "[[[[]]]]").join(",")}]`],
    ["a short text", "[[[[[]]]]]"],
  ])("is false for %s", (_name, text) => {
    expect(JSON.parse(text)).toBeDefined();

    expect(isNestedDeeper(text, 5)).toBe(false);
  });

  it.each<[string, string]>([
    ["a level more", nested(6)],
    ["a level more after a string that ends with a backslash", `["${"x".repeat(20)}\\\\",${nested(5)}]`],
    ["a level more after an empty string", `["",${nested(5)}]`],
    ["nothing but brackets", "[[[[[[]]]]]]"],
  ])("is true for %s", (_name, text) => {
    expect(JSON.parse(text)).toBeDefined();

    expect(isNestedDeeper(text, 5)).toBe(true);
  });
});
