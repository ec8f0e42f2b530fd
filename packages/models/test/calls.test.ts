import { Writable } from "node:stream";
import { createLogger, parseSettings, silentLogger } from "@millrace/kernel";
import { startFakeModelServer } from "@millrace/testing";
import type { Behaviour, FakeModelServer } from "@millrace/testing";
import { createModels, modelSettingsSchema } from "@millrace/models";
import type { Models } from "@millrace/models";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { sendChat, sendJson, startOddServer } from "./odd-server.ts";
import type { OddServer } from "./odd-server.ts";

const schema = z.object({ text: z.string().min(1) });
const request = {
  purpose: "test.summary",
  instructions: "Summarise.",
  text: "The bridge is closed. A ferry crosses the harbour.",
  schema,
  schemaName: "summary",
} as const;

let server: FakeModelServer;
let odd: OddServer | undefined;
let models: Models | undefined;

beforeAll(async () => {
  server = await startFakeModelServer({ port: 0, dimensions: 8 });
});

afterEach(async () => {
  await models?.stop();
  await odd?.stop();
  models = undefined;
  odd = undefined;
  server.setScript([]);
});

afterAll(() => server.stop());

function modelsAt(url: string, more: Record<string, string> = {}, logger = silentLogger): Models {
  const settings = parseSettings(modelSettingsSchema, {
    CHAT_URL: url,
    CHAT_MODEL: "small",
    EMBEDDING_URL: url,
    EMBEDDING_MODEL: "vectors",
    ...more,
  });
  models = createModels({ settings, logger });
  return models;
}

/** Asks once while the fake server behaves so, and gives the outcome and the number of requests. */
async function askDuring(script: readonly Behaviour[], more: Record<string, string> = {}) {
  server.setScript(script);
  const before = server.calls.length;
  const outcome = await modelsAt(server.url, more)
    .generateObject(request)
    .then(
      ({ value }) => ({ value }),
      (error: unknown) => ({ error }),
    );
  return { ...outcome, requests: server.calls.length - before };
}

describe("asking a chat server for an object", () => {
  it("gives the value with model, usage and time", async () => {
    const result = await modelsAt(server.url).generateObject(request);

    expect(result).toMatchObject({
      value: { text: expect.any(String) },
      model: "openai-compatible:small",
      builtIn: false,
      usage: { inputTokens: expect.any(Number), outputTokens: expect.any(Number) },
      latencyMs: expect.any(Number),
    });
  });

  it("frames the text as data with markers that change, and names the step to the server", async () => {
    const own = modelsAt(server.url);
    await own.generateObject({ ...request, origin: { owner: null, step: "summary/whole", job: "j1" } });
    await own.generateObject(request);

    const [first, second] = server.calls.slice(-2).map((call) => JSON.stringify(call.body));
    const marker = /<text-([0-9a-f]{18})>/;
    expect(marker.exec(first ?? "")?.[1]).toBeDefined();
    expect(marker.exec(first ?? "")?.[1]).not.toBe(marker.exec(second ?? "")?.[1]);
    expect(server.calls.at(-2)).toMatchObject({ step: "summary/whole", job: "j1", purpose: "test.summary" });
  });

  it.each([
    ["a fence and prose around the JSON", [{ kind: "fenced_json" }], 1],
    ["a wrong object, then a right one", [{ kind: "wrong_schema" }], 2],
    ["garbage, then a right one", [{ kind: "garbage" }], 2],
  ] as const)("copes with %s", async (_name, script, requests) => {
    expect(await askDuring(script)).toMatchObject({ value: { text: expect.any(String) }, requests });
  });

  it.each([
    ["garbage twice", [{ kind: "garbage" }, { kind: "garbage" }], "model_bad_output", false, 2],
    [
      "a wrong object twice",
      [{ kind: "wrong_schema" }, { kind: "wrong_schema" }],
      "model_bad_output",
      false,
      2,
    ],
    ["an answer cut off at its limit", [{ kind: "truncated_json" }], "model_output_truncated", false, 1],
    ["a server error", [{ kind: "server_error" }], "model_overloaded", true, 1],
    ["a refused key", [{ kind: "unauthorized" }], "model_unauthorized", false, 1],
    ["a connection cut in the middle", [{ kind: "drop_connection" }], "model_unreachable", true, 1],
    ["bytes that are no response", [{ kind: "garbage_stream" }], "model_overloaded", true, 1],
  ] as const)("reports %s and never retries by itself", async (_name, script, ...expected) => {
    const [code, retryable, requests] = expected;

    expect(await askDuring(script)).toMatchObject({ error: { code, retryable }, requests });
  });

  it("passes on how long a rate limit wants it to wait", async () => {
    const outcome = await askDuring([{ kind: "rate_limit", retryAfterSeconds: 120 }]);

    expect(outcome).toMatchObject({
      error: { code: "model_rate_limited", retryable: true, retryAfterSeconds: 120 },
      requests: 1,
    });
  });

  it("gives up on a server that never answers", async () => {
    const outcome = await askDuring([{ kind: "hang" }], { MODEL_TIMEOUT_MS: "200" });

    expect(outcome).toMatchObject({ error: { code: "model_timeout", retryable: true } });
  });

  it("reports a server that is not there", async () => {
    const gone = await startFakeModelServer({ port: 0 });
    await gone.stop();

    await expect(modelsAt(gone.url).generateObject(request)).rejects.toMatchObject({
      code: "model_unreachable",
      retryable: true,
    });
  });

  it("ends with the caller's reason when the caller aborts", async () => {
    server.setScript([{ kind: "hang" }]);
    const before = server.calls.length;
    const stopped = new AbortController();
    const asked = modelsAt(server.url).generateObject({ ...request, signal: stopped.signal });
    const reason = new Error("cancelled by a person");
    await expect.poll(() => server.calls.length).toBe(before + 1);
    stopped.abort(reason);

    await expect(asked).rejects.toBe(reason);
    await expect.poll(() => server.calls.at(-1)?.outcome).toBe("aborted");
  });

  it("keeps calls within MODEL_CONCURRENCY, and lets a waiting one leave", async () => {
    server.setScript(() => ({ kind: "hold", barrier: "gate" }));
    const before = server.calls.length;
    const own = modelsAt(server.url, { MODEL_CONCURRENCY: "2" });
    const leaving = new AbortController();
    const asked = [own.generateObject(request), own.generateObject(request)];
    const left = own.generateObject({ ...request, signal: leaving.signal });
    await expect.poll(() => server.calls.length).toBe(before + 2);
    leaving.abort(new Error("left"));

    await expect(left).rejects.toThrow("left");
    server.release("gate");
    await Promise.all(asked);
    expect(server.calls.length).toBe(before + 2);
  });

  it.each([
    ["no JSON", "application/json", '{"choices":[{"message":{"content":"A ferry'],
    ["another shape", "application/json", '{"choices":{"message":"A ferry crosses"}}'],
    ["a stream with a bad line", "text/event-stream", 'data: {"choices":[{"delta":{"content":"A ferry\n\n'],
    ["a stream of another shape", "text/event-stream", 'data: {"id":"1","choices":"A ferry"}\n\n'],
  ])("quotes nothing of an answer that is %s in the error that is logged", async (_what, type, body) => {
    odd = await startOddServer((_request, response) => {
      response.writeHead(200, { "content-type": type }).end(body);
    });
    let log = "";
    const destination = { write: (line: string) => void (log += line) };
    const watched = type === "text/event-stream" ? { onText: () => undefined } : {};

    const err: unknown = await modelsAt(odd.url)
      .generateText({ ...request, ...watched })
      .catch((thrown: unknown) => thrown);
    createLogger({ level: "debug", name: "test", destination }).warn({ err }, "a job's attempt failed");

    expect(err).toBeInstanceOf(Error);
    expect(log).not.toContain("ferry");
  });

  it("tells a server of one's own the step, whatever its name is written in", async () => {
    const origin = { owner: null, job: "j1", step: "task/研究\n/turn/1" };
    await modelsAt(server.url).generateText({ ...request, origin });

    expect(decodeURIComponent(server.calls.at(-1)?.step ?? "")).toBe(origin.step);
  });

  it("never logs a text, a prompt or a key", async () => {
    let log = "";
    const destination = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        log += chunk.toString();
        done();
      },
    });
    const logger = createLogger({ level: "debug", name: "test", destination });
    const own = modelsAt(server.url, { OPENAI_API_KEY: "sk-secret" }, logger);
    await own.generateObject(request);
    server.setScript([{ kind: "garbage" }, { kind: "garbage" }]);
    await own.generateObject(request).catch(() => undefined);

    expect(log).toContain("test.summary");
    expect(log).not.toMatch(/ferry|Summarise|sk-secret|lorem/);
  });
});

describe("servers with habits of their own", () => {
  it("falls back to instructions when a server rejects response_format, and remembers", async () => {
    odd = await startOddServer(({ body }, response) => {
      if ("response_format" in body) sendJson(response, 400, { error: { message: "unknown field" } });
      else sendChat(response, '{"text":"fine"}');
    });
    const own = modelsAt(odd.url);
    await own.generateObject(request);
    const second = await own.generateObject(request);

    expect(second.value).toEqual({ text: "fine" });
    expect(second.usage).toEqual({ inputTokens: null, outputTokens: null });
    expect(odd.requests.map(({ body }) => "response_format" in body)).toEqual([true, false, false]);
    expect(JSON.stringify(odd.requests.at(-1)?.body)).toContain("JSON Schema");
  });

  it("does not forget the form for a request that is rejected in any form", async () => {
    odd = await startOddServer((_request, response) => sendJson(response, 400, { error: { message: "no" } }));
    const own = modelsAt(odd.url);

    await expect(own.generateObject(request)).rejects.toMatchObject({
      code: "model_request_rejected",
      retryable: false,
    });
    await own.generateObject(request).catch(() => undefined);
    expect(odd.requests.map(({ body }) => "response_format" in body)).toEqual([true, false, true, false]);
  });

  it("puts the schema in words when the server is only known to speak JSON", async () => {
    odd = await startOddServer((_request, response) => sendChat(response, '{"text":"fine"}'));
    await modelsAt(odd.url, { CHAT_STRUCTURED_OUTPUT: "json" }).generateObject(request);

    expect(odd.requests[0]?.body["response_format"]).toEqual({ type: "json_object" });
    expect(JSON.stringify(odd.requests[0]?.body)).toContain("JSON Schema");
  });

  it("tells the model what was wrong when it asks again", async () => {
    odd = await startOddServer((_request, response, number) => {
      sendChat(response, number === 1 ? '{"text":""}' : '{"text":"fine"}');
    });
    await modelsAt(odd.url).generateObject(request);

    expect(JSON.stringify(odd.requests[1]?.body["messages"])).toMatch(/can't be used: text:/);
  });

  it("ignores what a local model thinks aloud", async () => {
    odd = await startOddServer((_request, response) => {
      sendChat(response, '<think>They want {"text": 1}.</think>{"text":"fine"}');
    });

    expect((await modelsAt(odd.url).generateObject(request)).value).toEqual({ text: "fine" });
  });

  it.each([
    ["content_filter", "model_content_filtered"],
    [null, "model_stopped_early"],
  ])("reports the finish reason %s as %s", async (finishReason, code) => {
    odd = await startOddServer((_request, response) => sendChat(response, '{"text":"half', finishReason));

    await expect(modelsAt(odd.url).generateObject(request)).rejects.toMatchObject({ code });
  });

  it.each([
    [404, {}, "model_not_found"],
    [400, { error: { code: "context_length_exceeded" } }, "model_context_exceeded"],
    [
      400,
      { error: { message: "This model's maximum context length is 4096 tokens" } },
      "model_context_exceeded",
    ],
    [413, {}, "model_context_exceeded"],
    [429, { error: { code: "insufficient_quota" } }, "model_unauthorized"],
    [503, {}, "model_overloaded"],
    [504, {}, "model_timeout"],
  ])("reports status %i with %j as %s", async (status, body, code) => {
    odd = await startOddServer((_request, response) => sendJson(response, status, body));

    await expect(modelsAt(odd.url).generateObject(request)).rejects.toMatchObject({ code });
  });

  it("gives up on a server that begins to answer and falls silent", async () => {
    odd = await startOddServer((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" }).write('{"id":"1",');
    });

    await expect(
      modelsAt(odd.url, { MODEL_IDLE_TIMEOUT_MS: "150", MODEL_TIMEOUT_MS: "30000" }).generateObject(request),
    ).rejects.toMatchObject({ code: "model_timeout" });
  });

  it("does not follow a redirect with the text", async () => {
    odd = await startOddServer((_request, response) => {
      response.writeHead(307, { location: server.url }).end();
    });
    const before = server.calls.length;

    await expect(modelsAt(odd.url).generateObject(request)).rejects.toMatchObject({
      code: "model_unreachable",
    });
    expect(server.calls.length).toBe(before);
  });
});

describe("free text", () => {
  it("comes back with its model", async () => {
    const result = await modelsAt(server.url).generateText(request);

    expect(result).toMatchObject({ value: expect.stringContaining("In short"), builtIn: false });
  });
});

describe("embedding", () => {
  it("keeps the order over batches of 64 and learns the dimensions", async () => {
    const own = modelsAt(server.url);
    const before = server.calls.length;
    const texts = Array.from({ length: 130 }, (_unused, index) => `text number ${index} of many`);
    expect(own.embedding.dimensions).toBeNull();

    const { vectors, dimensions, usage } = await own.embed({ texts });
    const [alone] = (await own.embed({ texts: [texts[129] ?? ""] })).vectors;

    expect(server.calls.length - before).toBe(4);
    expect(vectors).toHaveLength(130);
    expect(vectors[129]).toEqual(alone);
    expect([dimensions, own.embedding.dimensions]).toEqual([8, 8]);
    expect(usage.inputTokens).toBeGreaterThan(0);
  });

  it("refuses a server that gives no vectors or vectors of another length", async () => {
    const own = modelsAt(server.url);
    server.setScript([{ kind: "garbage" }]);
    await expect(own.embed({ texts: ["a"] })).rejects.toMatchObject({ retryable: expect.any(Boolean) });

    odd = await startOddServer((_request, response, number) => {
      sendJson(response, 200, {
        data: [{ index: 0, embedding: number === 1 ? [1, 0] : [1, 0, 0] }],
        usage: { prompt_tokens: 1 },
      });
    });
    const changing = modelsAt(odd.url);
    await changing.embed({ texts: ["a"] });
    await expect(changing.embed({ texts: ["a"] })).rejects.toMatchObject({ code: "embedding_mismatch" });
  });

  it("refuses a blank text before asking anybody", async () => {
    const before = server.calls.length;

    await expect(modelsAt(server.url).embed({ texts: ["a", " \n"] })).rejects.toMatchObject({
      code: "embedding_text_blank",
    });
    expect(server.calls.length).toBe(before);
  });

  it("maps failures like chat does", async () => {
    server.setScript([{ kind: "rate_limit", retryAfterSeconds: 3 }]);

    await expect(modelsAt(server.url).embed({ texts: ["a"] })).rejects.toMatchObject({
      code: "model_rate_limited",
      retryAfterSeconds: 3,
    });
  });
});
