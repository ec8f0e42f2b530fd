import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { groupByRoom } from "./text-room.ts";

describe("grouping results to be merged", () => {
  it("keeps every result in order, and always makes fewer of them", () => {
    const texts = fc.array(fc.string({ maxLength: 400 }), { minLength: 2, maxLength: 40 });
    const property = fc.property(texts, fc.integer({ min: 1, max: 500 }), (items, textTokens) => {
      const groups = groupByRoom(items, (item) => item, { textTokens });

      expect(groups.flat()).toEqual(items);
      expect(groups.length).toBeLessThan(items.length);
    });

    fc.assert(property);
  });
});
