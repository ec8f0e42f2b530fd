import { expect, it } from "vitest";
import { newId } from "./ids.ts";

it("makes ids that differ and sort in the order of making, also within a millisecond", () => {
  const ids = Array.from({ length: 20_000 }, () => newId());

  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  expect(
    ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)),
  ).toBe(true);
});
