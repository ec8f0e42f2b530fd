import { describe, expect, it } from "vitest";
import { parseJson } from "./json.ts";

describe("parseJson", () => {
  it("parses every kind of value", () => {
    expect(parseJson('{"a":[1,null,"x",true]}')).toEqual({ a: [1, null, "x", true] });
    expect(parseJson("null")).toBeNull();
  });

  it.each(["", "{", "undefined", "{'a':1}", "[1,]", "NaN", "\u{feff}{}"])("refuses %j", (text) => {
    expect(() => parseJson(text)).toThrow(
      expect.objectContaining({ code: "malformed_json", kind: "malformed", cause: expect.any(SyntaxError) }),
    );
  });

  it("gives objects no other prototype than their own", () => {
    const parsed = parseJson('{"__proto__":{"isAdmin":true}}');

    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
  });
});
