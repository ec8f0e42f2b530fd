import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { costOf } from "./cost.ts";
import { loadPrices } from "./prices.ts";

const million = { input: 1_000_000, output: 1_000_000, cachedInput: null };

async function fileWith(content: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "prices-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = path.join(folder, "prices.json");
  await writeFile(file, content);
  return file;
}

describe("what a call costs", () => {
  it.each([
    ["gemini:gemini-2.5-flash", 2.8],
    ["openai:gpt-5-mini-2025-08-07", 2.25],
    ["anthropic:claude-haiku-4-5-20251001", 6],
    ["openai:text-embedding-3-small", 0.02],
  ])("is known of %s", (endpoint, dollars) => {
    expect(costOf(loadPrices({}), endpoint, million)).toBeCloseTo(dollars);
  });

  it("takes what the server had cached at its own price, once", () => {
    const tokens = { input: 1_000_000, output: 0, cachedInput: 400_000 };

    expect(costOf(loadPrices({}), "openai:gpt-5", tokens)).toBeCloseTo(0.6 * 1.25 + 0.4 * 0.125);
  });

  it.each([
    ["openai:gpt-99", million],
    ["openai-compatible:gpt-5-mini", million],
    ["openai:gpt-5-mini", { ...million, input: null }],
    ["openai:gpt-5-mini", { ...million, output: null }],
  ])("is unknown, not nothing, for %s with %j", (endpoint, tokens) => {
    expect(costOf(loadPrices({}), endpoint, tokens)).toBeNull();
  });

  it("goes by the file, then by the configuration, then by what is built in", async () => {
    const file = await fileWith('{"gpt-5": {"input": 7, "output": 0}}');
    const given = { "openai:gpt-5-mini": { input: 3, output: 0 }, "gpt-5": { input: 1, output: 0 } };
    const prices = loadPrices({ file, given });

    expect(
      ["openai:gpt-5", "openai:gpt-5-mini", "openai-compatible:gpt-5"].map(
        (name) => prices.find(name)?.input,
      ),
    ).toEqual([7, 3, 7]);
  });

  it.each(["{", '{"gpt-5": {"input": -1, "output": 0}}', '{"gpt-5": {"in": 1}}'])(
    "refuses a file with %s, naming the setting",
    async (content) => {
      const file = await fileWith(content);

      expect(() => loadPrices({ file })).toThrow(
        expect.objectContaining({
          code: "invalid_settings",
          items: [expect.objectContaining({ pointer: "MODEL_PRICES" })],
        }),
      );
    },
  );
});
