import { describe, expect, it } from "vitest";
import { interpolate, variablesOf } from "./interpolate.ts";

describe("interpolate", () => {
  it("leaves braces alone that are no variables", () => {
    const text = 'Answer as {"topic": "{topic}", "n": {1}} for {topic}';

    expect(interpolate(text, { topic: "tea" })).toBe('Answer as {"topic": "tea", "n": {1}} for tea');
  });

  it("does not look into values", () => {
    expect(interpolate("{a} {b}", { a: "{b}", b: "$& {a}" })).toBe("{b} $& {a}");
  });

  it.each([
    [7, "7"],
    [1.5, "1.5"],
    [false, "false"],
    [["a", 1], '["a",1]'],
    [{ a: 1 }, '{"a":1}'],
  ])("writes %j as %s", (value, expected) => {
    expect(interpolate("{value}", { value })).toBe(expected);
  });

  it("does not take what every object has for inputs", () => {
    expect(interpolate("{constructor} {toString}", {})).toBe("{constructor} {toString}");
  });
});

describe("variablesOf", () => {
  it("finds each once, in the order of the text", () => {
    expect(variablesOf("{b} {a-1} {b} {2x} { c } {_d}")).toEqual(["b", "a-1", "_d"]);
  });
});
