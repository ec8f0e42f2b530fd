import { errorCode } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { assertStorableJson } from "./json-body.ts";

function codeOf(body: unknown): string {
  try {
    assertStorableJson(body);
    return "none";
  } catch (error) {
    return errorCode(error);
  }
}

function nested(depth: number): unknown {
  return JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);
}

describe("assertStorableJson", () => {
  it.each([{ text: "ü😀", list: [1, null, true] }, "text", null, 5, nested(32)])("lets %j pass", (body) => {
    expect(codeOf(body)).toBe("none");
  });

  it.each([33, 200_000])("refuses %i levels", (depth) => {
    expect(codeOf(nested(depth))).toBe("malformed_json");
  });

  it("refuses a hundred thousand values, wide or spread", () => {
    const wide = Array.from({ length: 100_001 }, () => 0);
    const spread = Array.from({ length: 400 }, () => Array.from({ length: 400 }, () => 0));

    expect(codeOf(wide)).toBe("malformed_json");
    expect(codeOf(spread)).toBe("malformed_json");
  });

  it.each([{ a: "x\u0000" }, { a: ["\ud800"] }, { "k\u0000": 1 }, "\udc00"])(
    "refuses text that can't be stored: %j",
    (body) => {
      expect(codeOf(body)).toBe("invalid_request");
    },
  );

  it("says where the text is", () => {
    expect(() => assertStorableJson({ "a/b": [{ "c~": "\u0000" }] })).toThrow(
      expect.objectContaining({ items: [expect.objectContaining({ pointer: "/a~1b/0/c~0" })] }),
    );
  });
});
