import { expect, it } from "vitest";
import { writtenTitle } from "./written-title.ts";

it.each([
  ["n.txt", "n.txt", null],
  ["n", "n.txt", null],
  // Cut to what a title may have.
  ["a".repeat(255), `${"a".repeat(300)}.pdf`, null],
  ["A note about mills", "n.txt", "A note about mills"],
  ["n.txt", null, "n.txt"],
])("of %s, from the file %s, is %s", (title, fileName, expected) => {
  expect(writtenTitle({ title, file_name: fileName })).toBe(expected);
});
