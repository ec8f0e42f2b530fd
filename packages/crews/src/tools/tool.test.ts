import { errorCode } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTool } from "./tool.ts";

const options = {
  name: "find",
  description: "Finds.",
  input: z.object({ word: z.string().describe("What to find") }),
  run: async () => "found",
};

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return errorCode(error);
  }
  return "none";
}

describe("defineTool", () => {
  it("shows models the schema of its input", () => {
    expect(defineTool(options).inputSchema).toMatchObject({
      type: "object",
      properties: { word: { type: "string", description: "What to find" } },
      required: ["word"],
    });
  });

  it("costs nothing and needs nothing unless told so", () => {
    expect(defineTool(options)).toMatchObject({ cost: 0, permissions: [], cacheable: true });
  });

  it.each(["", "two words", "ü", "x".repeat(65), "delegate_work_to_coworker"])(
    "refuses the name %j",
    (name) => {
      expect(codeOf(() => defineTool({ ...options, name }))).toBe("invalid_tool");
    },
  );

  it("refuses an input that is no object", () => {
    expect(codeOf(() => defineTool({ ...options, input: z.string() }))).toBe("invalid_tool");
  });

  it("says in words what is wrong with an input", () => {
    expect(defineTool(options).accept({ word: 7 })).toMatchObject({
      ok: false,
      problem: expect.stringMatching(/^word: /),
    });
  });
});
