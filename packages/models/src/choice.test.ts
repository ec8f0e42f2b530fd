import { parseSettings } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { chooseModels } from "./choice.ts";
import { choiceName } from "./model-choice.ts";
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

  it.each([
    [{ CHAT_FALLBACK: "gemini:x" }, "GEMINI_API_KEY"],
    [{ CHAT_FALLBACK: "anthropic:x" }, "ANTHROPIC_API_KEY"],
    [{ CHAT_FALLBACK: "openai:x" }, "OPENAI_API_KEY"],
    [{ CHAT_FALLBACK: "openai-compatible:x" }, "CHAT_URL"],
    [{ CHAT_FALLBACK: "builtin, gpt" }, "Names are"],
    [{ ...local, OPENAI_API_KEY: "gateway", CHAT_FALLBACK: "openai:x" }, "belongs to the server of CHAT_URL"],
  ])("refuses %j, saying what is wrong with the name", (environment, words) => {
    expect(() => choose(environment)).toThrow(
      expect.objectContaining({
        code: "invalid_settings",
        message: expect.stringContaining(words),
        items: [expect.objectContaining({ pointer: "CHAT_FALLBACK" })],
      }),
    );
  });

  it("keeps the order of CHAT_FALLBACK, and each model once", () => {
    const settings = parseSettings(modelSettingsSchema, {
      ...local,
      GEMINI_API_KEY: "g",
      CHAT_FALLBACK: "gemini:a, openai-compatible:gemma3 ,builtin",
    });

    expect(chooseModels(settings).chain.map(choiceName)).toEqual([
      "openai-compatible:gemma3",
      "gemini:a",
      "builtin:extractive-1",
    ]);
  });

  it.each([
    [{ "document.*": [] }, 'models.purposes["document.*"]'],
    [{ "document.*": ["gpt"] }, 'models.purposes["document.*"]'],
    [{ "Document Summary": ["builtin"] }, 'models.purposes["Document Summary"]'],
  ])("refuses the purposes %j", (purposes, pointer) => {
    const settings = parseSettings(modelSettingsSchema, local);

    expect(() => chooseModels(settings, { purposes })).toThrow(
      expect.objectContaining({ items: [expect.objectContaining({ pointer })] }),
    );
  });

  it.each([
    ["gemma3", "Names are"],
    ["openai-compatibel:gemma3", "Models that are set up: openai-compatible:gemma3, builtin:hashed-1"],
    ["gemini:gemini-2.5-flash", "GEMINI_API_KEY"],
    ["builtin", "have none"],
  ])("refuses limits of %s, which nobody can be asked under", (name, words) => {
    const settings = parseSettings(modelSettingsSchema, local);

    expect(() => chooseModels(settings, {}, { limits: [name], prices: [] })).toThrow(
      expect.objectContaining({
        code: "invalid_settings",
        message: expect.stringContaining(words),
        items: [expect.objectContaining({ pointer: "MODEL_LIMITS" })],
      }),
    );
  });

  it("gives a notice of limits and prices of models that are not set up", () => {
    const settings = parseSettings(modelSettingsSchema, local);
    const named = {
      limits: ["openai-compatible:gemma3", "openai-compatible:gema3"],
      prices: ["gemma3", "openai-compatible:gemma3", "gema3", "gemini:a"],
    };

    expect(chooseModels(settings, {}, named).unknownNames).toEqual([
      expect.stringMatching(/^MODEL_LIMITS limits openai-compatible:gema3, .*openai-compatible:gemma3/),
      expect.stringMatching(/^There are prices .* of gema3, gemini:a, /),
    ]);
  });

  it("has nothing to say of names that are an embedding model, of a purpose, or brought along", () => {
    const settings = parseSettings(modelSettingsSchema, {
      ...local,
      EMBEDDING_URL: local.CHAT_URL,
      EMBEDDING_MODEL: "nomic",
    });
    const purposes = { "document.*": ["openai-compatible:large"] };
    const names = ["openai-compatible:nomic", "openai-compatible:large"];

    const { unknownNames } = chooseModels(settings, { purposes }, { limits: names, prices: names });

    expect(unknownNames).toEqual([]);
  });

  it("refuses an address that is not one", () => {
    expect(() => choose({ CHAT_URL: "localhost:11434", CHAT_MODEL: "gemma3" })).toThrow(
      expect.objectContaining({ code: "invalid_settings" }),
    );
  });
});
