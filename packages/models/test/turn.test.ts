import { startFakeModelServer } from "@millrace/testing";
import type { FakeModelServer } from "@millrace/testing";
import type { ToolDefinition } from "@millrace/models";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { modelsOf } from "./guarded-models.ts";

const search: ToolDefinition = {
  name: "search_documents",
  description: "Finds passages.",
  inputSchema: {
    type: "object",
    properties: { query: { type: "string" } },
    required: ["query"],
    additionalProperties: false,
  },
};
const turn = {
  purpose: "crew.turn",
  origin: { owner: "a", job: "j1", step: "turn/1" },
  instructions: "You are a researcher.",
  messages: [{ role: "user", text: "What is known of the bridge? It is old." }],
} as const;

let server: FakeModelServer;

beforeAll(async () => {
  server = await startFakeModelServer({ port: 0 });
});

afterEach(() => server.setScript([]));

afterAll(() => server.stop());

describe("a turn", () => {
  it("streams its text, and gives it whole with model, tokens and cost", async () => {
    const pieces: string[] = [];
    const result = await modelsOf(server.url).turn({ ...turn, onText: ({ text }) => pieces.push(text) });

    expect(result).toMatchObject({
      text: expect.stringContaining("In short"),
      toolCalls: [],
      model: "openai-compatible:small",
      usage: { inputTokens: expect.any(Number), outputTokens: expect.any(Number) },
      cost: expect.any(Number),
      cached: false,
    });
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join("")).toBe(result.text);
    expect(server.calls.at(-1)).toMatchObject({
      isStream: true,
      job: "j1",
      step: "turn/1",
      purpose: "crew.turn",
    });
  });

  it("gives the tools that the model asks for, and runs none", async () => {
    server.setScript([
      {
        kind: "tool_calls",
        text: "Let me look.",
        calls: [{ name: "search_documents", input: { query: "bridge" } }],
      },
    ]);
    const result = await modelsOf(server.url).turn({ ...turn, tools: [search] });

    expect(result).toMatchObject({
      text: "Let me look.",
      toolCalls: [{ id: expect.any(String), name: "search_documents", input: { query: "bridge" } }],
    });
  });

  it("takes a conversation with tools as JSON, there and back", async () => {
    const messages = [
      ...turn.messages,
      {
        role: "assistant",
        text: "",
        toolCalls: [{ id: "c1", name: "search_documents", input: { query: "x" } }],
      },
      {
        role: "tool",
        results: [{ callId: "c1", name: "search_documents", output: "Nothing.", isError: true }],
      },
    ] as const;
    await modelsOf(server.url).turn({ ...turn, messages, tools: [search], toolChoice: "none" });

    expect(server.calls.at(-1)?.body).toMatchObject({
      tool_choice: "none",
      tools: [{ type: "function", function: { name: "search_documents", parameters: search.inputSchema } }],
      messages: [
        { role: "system", content: "You are a researcher." },
        { role: "user" },
        { role: "assistant", tool_calls: [{ id: "c1", function: { arguments: '{"query":"x"}' } }] },
        { role: "tool", tool_call_id: "c1", content: "Nothing." },
      ],
    });
  });

  it("learns what the server can do", async () => {
    const models = modelsOf(server.url);
    server.setScript([{ kind: "first_tool" }]);
    await models.turn({ ...turn, tools: [search] });

    expect(models.endpoints()[0]).toMatchObject({ callsTools: true, countsTokensOfStreams: true });
  });

  it("begins its text anew at the next model when the first breaks off", async () => {
    server.setScript([{ kind: "error_frame" }]);
    const pieces: Array<{ text: string; reset: boolean }> = [];
    const result = await modelsOf(server.url, {
      own: { purposes: { "crew.*": ["openai-compatible:small", "openai-compatible:other"] } },
    }).turn({ ...turn, onText: (piece) => pieces.push(piece) });
    const resets = pieces.flatMap(({ reset }, index) => (reset ? [index] : []));

    expect(resets).toHaveLength(1);
    expect(resets[0]).toBeGreaterThan(0);
    expect(
      pieces
        .slice(resets[0])
        .map(({ text }) => text)
        .join(""),
    ).toBe(result.text);
    expect(result.model).toBe("openai-compatible:other");
  });

  it("ends with the caller's reason, and closes the connection", async () => {
    server.setScript([{ kind: "stall", pieces: 2 }]);
    const stopped = new AbortController();
    const asked = modelsOf(server.url).turn({
      ...turn,
      signal: stopped.signal,
      onText: () => stopped.abort(new Error("stopped by a person")),
    });

    await expect(asked).rejects.toThrow("stopped by a person");
    await expect.poll(() => server.calls.at(-1)?.outcome).toBe("aborted");
  });

  it("refuses an empty answer", async () => {
    server.setScript([{ kind: "answer", content: "" }]);

    await expect(modelsOf(server.url).turn(turn)).rejects.toMatchObject({ code: "model_bad_output" });
  });

  it("says what to set up where there is only the built-in model", async () => {
    const models = modelsOf(server.url, { own: { purposes: { "crew.*": ["builtin"] } } });

    await expect(models.turn(turn)).rejects.toMatchObject({ code: "model_required", retryable: false });
  });

  it("says what is wrong with a model that it is told to ask", async () => {
    await expect(modelsOf(server.url).turn({ ...turn, model: "gemini:x" })).rejects.toMatchObject({
      code: "model_unknown",
      message: expect.stringContaining("GEMINI_API_KEY"),
    });
  });

  it("asks exactly the model that it is told to ask", async () => {
    const result = await modelsOf(server.url).turn({ ...turn, model: "openai-compatible:large" });

    expect(result.model).toBe("openai-compatible:large");
    expect(server.calls.at(-1)?.body).toMatchObject({ model: "large" });
  });
});
