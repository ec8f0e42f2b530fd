import { describe, expect, it } from "vitest";
import { parseModelLimits } from "./model-limits.ts";

describe("limits of models", () => {
  it("are requests, tokens, or both, for each model", () => {
    expect(parseModelLimits("openai:gpt-5-mini=500rpm,200000tpm; own:a=b = 3 rpm;x=9tpm;")).toEqual({
      limits: new Map([
        ["openai:gpt-5-mini", { requests: 500, tokens: 200_000 }],
        ["own:a=b", { requests: 3, tokens: undefined }],
        ["x", { requests: undefined, tokens: 9 }],
      ]),
    });
  });

  it.each([
    "gpt",
    "gpt=",
    "=5rpm",
    "gpt=0rpm",
    "gpt=5rpm,6rpm",
    "gpt=5rps",
    "gpt=-5rpm",
    "gpt=5rpm;gpt=6rpm",
  ])("can't be read from %s", (text) => {
    expect(parseModelLimits(text)).toEqual({ problem: expect.stringContaining("500rpm,200000tpm") });
  });
});
