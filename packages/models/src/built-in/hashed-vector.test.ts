import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashedDimensions, hashedVector } from "./hashed-vector.ts";

function cosine(left: string, right: string): number {
  const other = hashedVector(right);
  return hashedVector(left).reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);
}

const text = "The worker claims the best job of a queue with one statement and runs its handler.";

describe("the built-in embedding", () => {
  it("gives a vector of length 1 for any text", () => {
    const property = fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (any) => {
      const vector = hashedVector(any);

      expect(vector).toHaveLength(hashedDimensions);
      expect(Math.hypot(...vector)).toBeCloseTo(1, 9);
    });

    fc.assert(property);
  });

  it("sees near duplicates as near", () => {
    expect(cosine(text, text)).toBeCloseTo(1, 9);
    expect(cosine(text, text.toUpperCase())).toBeCloseTo(1, 9);
    expect(cosine(text, text.replace("best", "next"))).toBeGreaterThan(0.85);
  });

  it("sees other texts as far", () => {
    expect(
      Math.abs(cosine(text, "Wärmepumpen arbeiten auch in älteren Wohnhäusern wirtschaftlich.")),
    ).toBeLessThan(0.2);
    expect(Math.abs(cosine("图书馆每天开放到午夜", "Привет, как дела сегодня"))).toBeLessThan(0.2);
  });

  it("stays the same between versions of the code", () => {
    const vector = hashedVector("stable");
    const slots = vector.flatMap((value, index) => (value === 0 ? [] : [index]));

    expect(slots).toMatchInlineSnapshot(`
      [
        136,
        213,
        223,
        232,
        320,
        321,
      ]
    `);
  });
});
