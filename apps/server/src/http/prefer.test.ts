import { describe, expect, it } from "vitest";
import { parsePrefer } from "./prefer.ts";

describe("parsePrefer", () => {
  it.each([
    [undefined, false, undefined],
    ["", false, undefined],
    ["wait=10", false, 10],
    ["respond-async, wait=10", true, 10],
    ["respond-async;x=1 , Wait = 5", true, 5],
    ['wait="7"', false, 7],
    ["wait=0", false, 0],
    ["wait=31", false, 30],
    ["wait=999999999", false, 30],
    ["wait=5, wait=9", false, 5],
    ["wait=-1", false, undefined],
    ["wait=1.5", false, undefined],
    ["wait=1e9", false, undefined],
    ["wait", false, undefined],
    ["handling=lenient, return=minimal", false, undefined],
  ])("reads %j", (header, respondAsync, waitSeconds) => {
    expect(parsePrefer(header)).toEqual({ respondAsync, waitSeconds });
  });

  it("reads repeated headers as one list", () => {
    expect(parsePrefer(["respond-async", "wait=3"])).toEqual({ respondAsync: true, waitSeconds: 3 });
  });
});
