import { parseSettings } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { choiceName, chooseModels } from "./choice.ts";
import { modelSettingsSchema } from "./settings.ts";

function choose(environment: Record<string, string>) {
  const { chat, embedding, notices } = chooseModels(parseSettings(modelSettingsSchema, environment));
  return { chat: choiceName(chat), embedding: choiceName(embedding), notices: notices.length };
}

const local = { CHAT_URL: "http://localhost:11434/v1", CHAT_MODEL: "gemma3" };

describe("choosing models", () => {
  it("takes the built-in models when nothing is set, and says so", () => {
    expect(choose({})).toEqual({ chat: "builtin:extractive-1", embedding: "builtin:hashed-1", notices: 1 });
  });

  it("prefers CHAT_URL, then Gemini, then Anthropic, then OpenAI", () => {
    const keys = { GEMINI_API_KEY: "g", ANTHROPIC_API_KEY: "a", OPENAI_API_KEY: "o" };

    expect(choose({ ...local, ...keys }).chat).toBe("openai-compatible:gemma3");
    expect(choose(keys).chat).toMatch(/^gemini:/);
    expect(choose({ ANTHROPIC_API_KEY: "a", OPENAI_API_KEY: "o" }).chat).toMatch(/^anthropic:/);
    expect(choose({ OPENAI_API_KEY: "o" }).chat).toMatch(/^openai:/);
  });

  it("prefers EMBEDDING_URL, then Gemini, then OpenAI", () => {
    const embeddings = { EMBEDDING_URL: "http://localhost:1/v1", EMBEDDING_MODEL: "nomic" };

    expect(choose({ ...embeddings, GEMINI_API_KEY: "g" }).embedding).toBe("openai-compatible:nomic");
    expect(choose({ GEMINI_API_KEY: "g", OPENAI_API_KEY: "o" }).embedding).toMatch(/^gemini:/);
    expect(choose({ OPENAI_API_KEY: "o" }).embedding).toMatch(/^openai:/);
  });

  it("does not send texts to OpenAI with the key of another chat server", () => {
    expect(choose({ ...local, OPENAI_API_KEY: "gateway" })).toEqual({
      chat: "openai-compatible:gemma3",
      embedding: "builtin:hashed-1",
      notices: 1,
    });
  });

  it.each([
    [{ CHAT_URL: "http://localhost:1/v1" }, "CHAT_MODEL"],
    [{ CHAT_MODEL: "gemma3" }, "CHAT_URL"],
    [{ EMBEDDING_URL: "http://localhost:1/v1" }, "EMBEDDING_MODEL"],
    [{ EMBEDDING_MODEL: "nomic" }, "EMBEDDING_URL"],
  ])("refuses %j, naming what is missing", (environment, pointer) => {
    expect(() => choose(environment)).toThrow(
      expect.objectContaining({
        code: "invalid_settings",
        items: [expect.objectContaining({ pointer })],
      }),
    );
  });

  it("refuses an address that is not one", () => {
    expect(() => choose({ CHAT_URL: "localhost:11434", CHAT_MODEL: "gemma3" })).toThrow(
      expect.objectContaining({ code: "invalid_settings" }),
    );
  });
});
