import { describe, expect, it } from "vitest";
import { inputTemplate } from "./input-template.ts";

describe("inputTemplate", () => {
  it("begins with what is required, each by its type", () => {
    const schema = {
      type: "object",
      properties: {
        x: { type: "number" },
        pages: { type: "integer", minimum: 1 },
        name: { type: "string" },
        kind: { enum: ["daily", "weekly"] },
        mails: { type: "array", items: { type: "string" } },
        isDry: { type: "boolean", default: true },
        note: { type: "string" },
      },
      required: ["x", "pages", "name", "kind", "mails", "isDry"],
    };

    expect(inputTemplate(schema)).toEqual({
      x: 0,
      pages: 1,
      name: "",
      kind: "daily",
      mails: [],
      isDry: true,
    });
  });

  it("follows references, and ends when they go in a circle", () => {
    const node = { type: "object", properties: { next: { $ref: "#/$defs/node" } }, required: ["next"] };

    expect(() => inputTemplate({ $ref: "#/$defs/node", $defs: { node } })).not.toThrow();
  });

  it("takes the first of several choices", () => {
    expect(inputTemplate({ anyOf: [{ type: "string" }, { type: "null" }] })).toBe("");
  });

  it("is an empty object for a task whose schema can't be told", () => {
    expect(inputTemplate(null)).toEqual({});
  });
});
