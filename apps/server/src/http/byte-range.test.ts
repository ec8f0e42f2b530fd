import { expect, it } from "vitest";
import { parseByteRange } from "./byte-range.ts";

it.each([
  [undefined, "whole"],
  ["bytes=0-9", { start: 0, end: 9 }],
  ["bytes=90-", { start: 90, end: 99 }],
  ["bytes=90-500", { start: 90, end: 99 }],
  ["bytes=-10", { start: 90, end: 99 }],
  ["bytes=-500", { start: 0, end: 99 }],
  ["bytes=100-", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=9-0", "whole"],
  ["bytes=0-1,5-6", "whole"],
  ["bytes=-", "whole"],
  ["pages=1-2", "whole"],
] as const)("reads the range %s of 100 bytes", (header, range) => {
  expect(parseByteRange(header, 100)).toEqual(range);
});
