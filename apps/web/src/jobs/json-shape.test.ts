import { describe, expect, it } from "vitest";
import { isEmptyJson, isOpenAtFirst, jsonText, membersOf, sizeWords } from "./json-shape.ts";

describe("membersOf", () => {
  it("names the items of a list by their place", () => {
    expect(membersOf(["a", null])).toEqual([
      { name: "0", value: "a" },
      { name: "1", value: null },
    ]);
  });

  it("has no members for texts, numbers and null", () => {
    expect([membersOf("text"), membersOf(0), membersOf(null)]).toEqual([undefined, undefined, undefined]);
  });
});

describe("isOpenAtFirst", () => {
  it("keeps deep and full containers closed", () => {
    expect([isOpenAtFirst(0, 3), isOpenAtFirst(2, 3), isOpenAtFirst(0, 10_000)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe("isEmptyJson", () => {
  it.each([null, undefined, {}, []])("%j holds nothing", (value) => {
    expect(isEmptyJson(value)).toBe(true);
  });

  it.each([0, "", false, [null]])("%j is a value", (value) => {
    expect(isEmptyJson(value)).toBe(false);
  });
});

describe("sizeWords", () => {
  it("counts items and fields", () => {
    expect([sizeWords([], 1), sizeWords({}, 2)]).toEqual(["1 item", "2 fields"]);
  });
});

describe("jsonText", () => {
  it("never fails on what JSON can't say", () => {
    expect([jsonText(undefined), jsonText({ a: 1 })]).toEqual(["null", '{\n  "a": 1\n}']);
  });
});
