import { describe, expect, it } from "vitest";
import { matchesEtag, weakEtag } from "./etag.ts";

describe("entity tags", () => {
  it("are equal for equal content only", () => {
    expect(weakEtag({ a: 1 })).toBe(weakEtag({ a: 1 }));
    expect(weakEtag({ a: 1 })).not.toBe(weakEtag({ a: 2 }));
    expect(weakEtag({ a: 1 })).toMatch(/^W\/"[\w-]{22}"$/);
  });

  it.each([
    ['W/"abc"', true],
    ['"abc"', true],
    ['"x", W/"abc"', true],
    ["*", true],
    ['"ab"', false],
    ["", false],
    [undefined, false],
  ])("match %j: %s", (header, isMatch) => {
    expect(matchesEtag(header, 'W/"abc"')).toBe(isMatch);
  });
});
