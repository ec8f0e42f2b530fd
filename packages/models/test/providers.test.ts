import { parseSettings, silentLogger } from "@millrace/kernel";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { generate } from "../src/calls/generate.ts";
import { toModelPrompt } from "../src/calls/model-prompt.ts";
import { startDeadlines } from "../src/guard/deadlines.ts";
import { loadChatModel } from "../src/providers/chat.ts";
import { loadEmbeddingModel } from "../src/providers/embedding.ts";
import { modelSettingsSchema } from "../src/settings.ts";
import { sendChat, startOddServer } from "./odd-server.ts";
import type { OddServer } from "./odd-server.ts";

const settings = parseSettings(modelSettingsSchema, {});
let server: OddServer | undefined;

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

describe("loading providers", () => {
  it.each(["gemini", "anthropic"] as const)(
    "gives a model object of %s that enforces schemas",
    async (provider) => {
      const model = await loadChatModel({ provider, model: "some-model", apiKey: "key" }, settings);

      expect(model).toMatchObject({
        name: `${provider}:some-model`,
        language: { specificationVersion: "v4", modelId: "some-model" },
        structuredOutput: { current: { kind: "schema", mayFallBack: false } },
      });
    },
  );

  it("gives an embedding model object of Gemini", async () => {
    const model = await loadEmbeddingModel({ provider: "gemini", model: "vectors", apiKey: "key" }, settings);

    expect(model).toMatchObject({ specificationVersion: "v4", modelId: "vectors" });
  });

  it("names the token limit as OpenAI's newer models want it, and sends the key", async () => {
    server = await startOddServer((_request, response) => sendChat(response, "fine"));
    const choice = { provider: "openai", url: server.url, model: "gpt", apiKey: "sk-1" } as const;
    const model = await loadChatModel(choice, settings);
    const deadlines = startDeadlines(model.name, {
      firstByteMs: 5000,
      firstChunkMs: 5000,
      idleMs: 5000,
      totalMs: 5000,
    });
    onTestFinished(deadlines.stop);
    const { text } = await generate({
      model: model.language,
      modelName: model.name,
      options: {
        prompt: toModelPrompt("Say something.", [{ role: "user", text: "Now." }]),
        maxOutputTokens: 50,
      },
      deadlines,
      heard: { text: "", aside: "", isStream: false },
      onText: undefined,
      logger: silentLogger,
    });

    expect(text).toBe("fine");
    expect(server.requests[0]?.body).toMatchObject({ max_completion_tokens: 50 });
    expect(server.requests[0]?.body).not.toHaveProperty("max_tokens");
  });
});
