import { expect, it } from "vitest";
import { listPages } from "./list-pages.ts";

it.each([
  [[], ""],
  [[4], "4"],
  [[1, 2, 3, 7, 9, 10], "1-3, 7, 9-10"],
])("writes %j as people do", (pages, written) => {
  expect(listPages(pages)).toBe(written);
});

it("stops where nobody reads on", () => {
  const odd = Array.from({ length: 500 }, (_unused, index) => index * 2 + 1);

  expect(listPages(odd)).toMatch(/, 39 and others$/);
});
