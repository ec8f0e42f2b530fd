import { silentLogger } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { createModels } from "../create-models.ts";
import { modelSettingsSchema } from "../settings.ts";

const modelsOf = (given: Record<string, string>) =>
  createModels({ settings: modelSettingsSchema.parse(given), logger: silentLogger });
const atServer = {
  EMBEDDING_URL: "http://127.0.0.1:9/v1",
  EMBEDDING_MODEL: "latter",
  EMBEDDING_REVISION: "2",
};

describe("embedding models besides that of the settings", () => {
  it.each([
    ["its own", "openai-compatible:latter", "2", true],
    ["another revision of its own", "openai-compatible:latter", "1", false],
    ["another one at the same server", "openai-compatible:former", "", true],
    ["the built-in one", "builtin:hashed-1", "", true],
    ["a built-in one of another version", "builtin:hashed-0", "", false],
    ["one whose key is not set", "gemini:gemini-embedding-001", "", false],
    ["one of OpenAI without a key", "openai:text-embedding-3-small", "", false],
    ["one that came with a program", "mine:vectors", "", false],
  ])("knows whether it reaches %s", (_which, name, revision, isReached) => {
    expect(modelsOf(atServer).embeds({ name, revision })).toBe(isReached);
  });

  it("reaches those of a provider whose key is set", () => {
    const models = modelsOf({ ...atServer, GEMINI_API_KEY: "key", OPENAI_API_KEY: "key" });

    expect(models.embeds({ name: "gemini:gemini-embedding-001" })).toBe(true);
    expect(models.embeds({ name: "openai:text-embedding-3-small" })).toBe(true);
  });

  it("never shows OpenAI the key of another server", () => {
    const models = modelsOf({ CHAT_URL: "http://127.0.0.1:9/v1", CHAT_MODEL: "m", OPENAI_API_KEY: "key" });

    expect(models.embeds({ name: "openai:text-embedding-3-small" })).toBe(false);
  });

  it("refuses to embed with one that it does not reach", async () => {
    const model = { name: "gemini:gemini-embedding-001" };

    await expect(modelsOf(atServer).embed({ texts: ["text"], model })).rejects.toMatchObject({
      code: "model_unknown",
    });
  });

  it("knows what tokens cost, that the built-in ones cost nothing, and what it does not know", () => {
    const models = modelsOf(atServer);

    expect(models.embeddingCost("openai:text-embedding-3-small", 1_000_000)).toBeCloseTo(0.02);
    expect(models.embeddingCost("builtin:hashed-1", 1_000_000)).toBe(0);
    expect(models.embeddingCost("openai-compatible:latter", 1_000_000)).toBeNull();
  });
});
