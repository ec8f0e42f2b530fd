import { describe, expect, it } from "vitest";
import { answerKind } from "./answer-kind.ts";

describe("answerKind", () => {
  it.each([
    ["anything", null, { kind: "text" }],
    ["text", { type: "string", minLength: 3 }, { kind: "text" }],
    ["a number", { type: "integer" }, { kind: "number" }],
    ["an object", { type: "object", properties: {} }, { kind: "json" }],
    ["one of several forms", { anyOf: [{ type: "string" }, { type: "null" }] }, { kind: "json" }],
    ["a list of objects", { enum: [{ a: 1 }] }, { kind: "json" }],
  ])("is of its own for %s", (_what, schema, kind) => {
    expect(answerKind(schema)).toEqual(kind);
  });

  it("offers the values of an enum", () => {
    expect(answerKind({ type: "string", enum: ["publish", "discard"] })).toEqual({
      kind: "choices",
      choices: [
        { label: "publish", value: "publish" },
        { label: "discard", value: "discard" },
      ],
    });
  });

  it("offers yes and no for a boolean", () => {
    expect(answerKind({ type: "boolean" })).toMatchObject({
      choices: [
        { label: "Yes", value: true },
        { label: "No", value: false },
      ],
    });
  });
});
