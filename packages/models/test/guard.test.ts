import { MillraceError } from "@millrace/kernel";
import { estimateTokens, useOf } from "@millrace/models";
import { startFakeModelServer } from "@millrace/testing";
import type { FakeModelServer } from "@millrace/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { modelsOf, movableClock } from "./guarded-models.ts";
import { memoryAnswers, memoryLedger, memoryLimiter } from "./memory-ports.ts";
import { startOddServer } from "./odd-server.ts";

const asked = {
  purpose: "document.summary",
  origin: { owner: "a", job: "j1", step: "summary/whole" },
  instructions: "Summarise.",
  text: "The bridge is closed. A ferry crosses the harbour.",
} as const;
const object = { ...asked, schema: z.object({ text: z.string().min(1) }), schemaName: "summary" };
const fallback = (...names: string[]) => ({ environment: { CHAT_FALLBACK: names.join(",") } });

const refusing = (status: number) => ({ kind: "refuse", status }) as const;
const cancel = (stopped: AbortController) =>
  stopped.abort(new MillraceError({ code: "cancelled", kind: "conflict", message: "Enough." }));

let server: FakeModelServer;

beforeAll(async () => {
  server = await startFakeModelServer({ port: 0, dimensions: 8 });
});

afterEach(() => server.setScript([]));

afterAll(() => server.stop());

function requestsSince(before: number): Array<unknown> {
  return server.calls.slice(before).map(({ body }) => (body as { model?: unknown }).model);
}

describe("turning to another model", () => {
  it.each([
    ["is overloaded", { kind: "server_error" }],
    ["refuses the key", { kind: "unauthorized" }],
    ["takes no more requests", { kind: "rate_limit", retryAfterSeconds: 30 }],
    ["is not known there", { kind: "refuse", status: 404 }],
    ["gives garbage twice", { kind: "garbage" }],
  ] as const)("happens when the first %s", async (_what, behaviour) => {
    server.setScript(({ body }) => ((body as { model: string }).model === "small" ? behaviour : undefined));
    const result = await modelsOf(server.url, fallback("openai-compatible:large")).generateObject(object);

    expect(result).toMatchObject({ model: "openai-compatible:large", builtIn: false });
  });

  it("does not happen for what the caller must change", async () => {
    const before = server.calls.length;
    server.setScript([{ kind: "answer", finishReason: "content_filter" }]);
    const models = modelsOf(server.url, fallback("openai-compatible:large"));

    await expect(models.generateObject(object)).rejects.toMatchObject({ code: "model_content_filtered" });
    expect(requestsSince(before)).toEqual(["small"]);
  });

  it("goes to one that reads more when a text is too long, and to no other", async () => {
    const tooLong = { kind: "refuse", status: 400, code: "context_length_exceeded" } as const;
    const before = server.calls.length;
    server.setScript([tooLong, tooLong]);
    const more = {
      environment: {
        CHAT_FALLBACK: "openai-compatible:same,openai-compatible:large",
        CHAT_CONTEXT_TOKENS: "4096",
      },
      own: {
        prices: {
          large: { input: 1, output: 1, context: 100_000 },
          same: { input: 1, output: 1, context: 4096 },
        },
      },
    };

    await expect(modelsOf(server.url, more).generateObject(object)).rejects.toMatchObject({
      code: "model_context_exceeded",
    });
    expect(requestsSince(before)).toEqual(["small", "large"]);
  });

  it("labels what the built-in model took from the text", async () => {
    server.setScript([{ kind: "server_error" }]);
    const result = await modelsOf(server.url, fallback("builtin")).generateObject({
      ...object,
      text: "The old bridge over the harbour is closed since Monday because engineers found rust in its cables. A ferry carries people across until the repair is finished in spring.",
      builtInOperation: "summary",
    });

    expect(result).toMatchObject({ model: "builtin:extractive-1", builtIn: true, cost: 0 });
  });

  it("waits for a model that is only busy rather than take an extract", async () => {
    server.setScript([{ kind: "rate_limit", retryAfterSeconds: 30 }]);
    const models = modelsOf(server.url, fallback("builtin"));

    await expect(models.generateObject({ ...object, builtInOperation: "summary" })).rejects.toMatchObject({
      code: "model_rate_limited",
      retryAfterSeconds: 30,
    });
  });

  it("fails with what passes by itself when no model can serve", async () => {
    server.setScript([{ kind: "unauthorized" }, { kind: "server_error" }]);
    const models = modelsOf(server.url, fallback("openai-compatible:large"));

    await expect(models.generateObject(object)).rejects.toMatchObject({
      code: "model_overloaded",
      retryable: true,
    });
  });

  it("follows the list of the purpose: its name, then the longest beginning, then the rest", async () => {
    const models = modelsOf(server.url, {
      own: {
        purposes: {
          "document.*": ["openai-compatible:b"],
          "document.summary": ["openai-compatible:a"],
          "doc*": ["builtin"],
        },
      },
    });
    const names = ["document.summary", "document.topics", "docs", "crew.turn"].map(
      (purpose) => models.chatFor(purpose).name,
    );

    expect(names).toEqual([
      "openai-compatible:a",
      "openai-compatible:b",
      "builtin:extractive-1",
      "openai-compatible:small",
    ]);
  });
});

describe("money, limits and the list of calls", () => {
  it("lists each call with tokens and cost, and settles what was set aside", async () => {
    const { ledger, calls, reserved, settled } = memoryLedger();
    const { limiter, settled: used } = memoryLimiter();
    server.setScript([
      { kind: "answer", usage: { prompt_tokens: 1000, completion_tokens: 500, cached_tokens: 400 } },
    ]);
    const result = await modelsOf(server.url, { ports: { ledger, limiter } }).generateObject({
      ...object,
      prompt: "document.summary@1",
      maxOutputTokens: 600,
    });

    // $1000 and $100 a million: 600 fresh, 400 from the cache, 500 written.
    expect(result.cost).toBeCloseTo(0.6 + 0.04 + 0.5);
    expect(calls).toMatchObject([
      {
        origin: asked.origin,
        purpose: "document.summary",
        kind: "chat",
        model: "openai-compatible:small",
        prompt: "document.summary@1",
        outcome: "answered",
        errorCode: null,
        tokens: { input: 1000, output: 500, cachedInput: 400 },
        cost: result.cost,
      },
    ]);
    expect(reserved[0]).toBeGreaterThan(0.6);
    expect([settled, used]).toEqual([[result.cost], [1500]]);
  });

  it("makes no call when no money is left", async () => {
    const { ledger, calls } = memoryLedger(0.0001);
    const before = server.calls.length;

    await expect(modelsOf(server.url, { ports: { ledger } }).generateObject(object)).rejects.toMatchObject({
      code: "budget_exceeded",
    });
    expect([server.calls.length - before, calls]).toEqual([0, []]);
  });

  it("gives everything back when the call was never made", async () => {
    const { ledger, settled } = memoryLedger();
    const { limiter } = memoryLimiter([60_000]);

    await expect(
      modelsOf(server.url, { ports: { ledger, limiter } }).generateObject(object),
    ).rejects.toMatchObject({ code: "model_rate_limited", retryAfterSeconds: 60 });
    expect(settled).toEqual([0]);
  });

  it("waits a moment for the limits", async () => {
    const { limiter, taken } = memoryLimiter([1, 1]);
    await modelsOf(server.url, { ports: { limiter } }).generateObject(object);

    expect(taken).toHaveLength(1);
  });

  it("lists a failed call with its code, and a second question as a step of its own", async () => {
    const { ledger, calls } = memoryLedger();
    server.setScript([{ kind: "server_error" }, { kind: "wrong_schema" }]);
    const models = modelsOf(server.url, { ports: { ledger } });
    await models.generateObject(object).catch(() => undefined);
    await models.generateObject(object);

    expect(calls.map(({ outcome, errorCode, origin }) => [outcome, errorCode, origin.step])).toEqual([
      ["failed", "model_overloaded", "summary/whole"],
      ["answered", null, "summary/whole"],
      ["answered", null, "summary/whole#2"],
    ]);
    expect(server.calls.at(-1)?.step).toBe("summary/whole");
  });

  it("lists what was cancelled as cancelled", async () => {
    const { ledger, calls } = memoryLedger();
    server.setScript([{ kind: "hang" }]);
    const before = server.calls.length;
    const stopped = new AbortController();
    const models = modelsOf(server.url, { ports: { ledger } });
    const going = models.generateText({ ...asked, signal: stopped.signal });
    await expect.poll(() => server.calls.length).toBe(before + 1);
    stopped.abort(new Error("enough"));

    await expect(going).rejects.toThrow("enough");
    expect(calls).toMatchObject([{ outcome: "cancelled", errorCode: null, cost: null }]);
  });

  it("counts in the budget what came of an answer that is cancelled, and lists no tokens that nobody counted", async () => {
    const { ledger, calls, settled, reserved } = memoryLedger();
    const { limiter, settled: used } = memoryLimiter();
    server.setScript([{ kind: "stall", pieces: 2 }]);
    const stopped = new AbortController();
    const going = modelsOf(server.url, { ports: { ledger, limiter } }).generateText({
      ...asked,
      signal: stopped.signal,
      onText: () => stopped.abort(new Error("enough")),
    });

    await expect(going).rejects.toThrow("enough");
    const [tokens] = used;
    expect(tokens).toBeGreaterThan(10);
    expect(tokens).toBeLessThan(200);
    // $1000 a million, read or written.
    expect(settled).toEqual([expect.closeTo((tokens ?? 0) / 1000, 6)]);
    expect(settled[0]).toBeLessThan(reserved[0] ?? 0);
    expect(calls).toMatchObject([
      { outcome: "cancelled", cost: null, tokens: { input: null, output: null } },
    ]);
  });

  it("counts what came of an answer that took too long", async () => {
    const { ledger, settled } = memoryLedger();
    server.setScript([{ kind: "stall", pieces: 2 }]);
    const environment = { MODEL_IDLE_TIMEOUT_MS: "150" };
    const models = modelsOf(server.url, { ports: { ledger }, environment });
    const going = models.generateText({ ...asked, onText: () => undefined });

    await expect(going).rejects.toMatchObject({ code: "model_timeout" });
    expect(settled[0]).toBeGreaterThan(0);
  });

  it.each([
    { what: "thought", delta: { reasoning_content: "Let me think about the ferry." } },
    {
      what: "written the input of a tool",
      delta: {
        tool_calls: [
          { index: 0, id: "c1", type: "function", function: { name: "look", arguments: '{"of":"the ferry' } },
        ],
      },
    },
  ])("counts what came of an answer that has only $what", async ({ delta }) => {
    const { ledger, settled } = memoryLedger();
    const { limiter, settled: used } = memoryLimiter();
    const silent = await startOddServer((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(
        `data: ${JSON.stringify({ id: "x", model: "small", choices: [{ index: 0, delta }] })}\n\n`,
      );
    });
    onTestFinished(silent.stop);
    const environment = { MODEL_IDLE_TIMEOUT_MS: "150" };
    const models = modelsOf(silent.url, { ports: { ledger, limiter }, environment });

    const going = models.generateText({ ...asked, onText: () => undefined });

    await expect(going).rejects.toMatchObject({ code: "model_timeout" });
    expect(used[0]).toBeGreaterThan(estimateTokens(asked.text));
    expect(settled[0]).toBeGreaterThan(0);
  });

  it.each([
    {
      what: "took too long",
      code: "model_timeout",
      leave: () => undefined,
      environment: { MODEL_TIMEOUT_MS: "200" },
    },
    { what: "is cancelled", code: "cancelled", leave: cancel, environment: {} },
  ])(
    "counts what was asked when an answer that is not streamed $what",
    async ({ code, leave, environment }) => {
      const { ledger, calls, settled, reserved } = memoryLedger();
      const { limiter, settled: used, taken } = memoryLimiter();
      const before = server.calls.length;
      server.setScript([{ kind: "hang" }]);
      const stopped = new AbortController();
      const models = modelsOf(server.url, { ports: { ledger, limiter }, environment });
      const going = models.generateText({ ...asked, signal: stopped.signal });
      await expect.poll(() => server.calls.length).toBe(before + 1);
      leave(stopped);

      await expect(going).rejects.toMatchObject({ code });
      const tokens = used[0]!;
      expect(tokens).toBeGreaterThan(estimateTokens(asked.text));
      expect(tokens).toBeLessThan(taken[0] ?? 0);
      expect(settled).toEqual([expect.closeTo(tokens / 1000, 6)]);
      expect(settled[0]).toBeLessThan(reserved[0] ?? 0);
      expect(calls).toMatchObject([{ cost: null, tokens: { input: null, output: null } }]);
    },
  );

  it("counts what was asked when the vectors of texts take too long", async () => {
    const { ledger } = memoryLedger();
    const { limiter, settled: used, taken } = memoryLimiter();
    server.setScript([{ kind: "hang" }]);
    const environment = { MODEL_TIMEOUT_MS: "200" };
    const models = modelsOf(server.url, { ports: { ledger, limiter }, environment });
    const { purpose, origin, text } = asked;

    const going = models.embed({ texts: [text], purpose, origin });

    await expect(going).rejects.toMatchObject({ code: "model_timeout" });
    expect(used).toEqual([estimateTokens(text)]);
    expect(used).toEqual(taken);
  });

  it.each([
    { what: "a server says itself that it took too long", behaviour: refusing(504), isStream: false },
    { what: "a server did not hear all in time", behaviour: refusing(408), isStream: false },
    { what: "a stream never begins", behaviour: { kind: "hang" } as const, isStream: true },
  ])("counts nothing when $what", async ({ behaviour, isStream }) => {
    const { ledger, settled } = memoryLedger();
    server.setScript([behaviour]);
    const environment = { MODEL_FIRST_BYTE_TIMEOUT_MS: "200" };
    const models = modelsOf(server.url, { ports: { ledger }, environment });

    const going = models.generateText({ ...asked, ...(isStream ? { onText: () => undefined } : {}) });

    await expect(going).rejects.toMatchObject({ code: "model_timeout" });
    expect(settled).toEqual([0]);
  });

  it("says with a failed turn what it used", async () => {
    const usage = { prompt_tokens: 100, completion_tokens: 50 };
    server.setScript([{ kind: "answer", content: "Half an", finishReason: "length", usage }]);
    const { purpose, origin, instructions, text } = asked;
    const messages = [{ role: "user" as const, text }];
    const error: unknown = await modelsOf(server.url)
      .turn({ purpose, origin, instructions, messages })
      .catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code: "model_output_truncated" });
    expect(useOf(error)).toEqual({
      model: "openai-compatible:small",
      tokens: { input: 100, output: 50, cachedInput: 0 },
      cost: expect.closeTo(0.15),
    });
  });

  it("lists embeddings, and tells a server of one's own their job and step", async () => {
    const { ledger, calls } = memoryLedger();
    const texts = Array.from({ length: 65 }, (_unused, index) => `text ${index}`);
    await modelsOf(server.url, { ports: { ledger } }).embed({
      texts,
      purpose: "document.embedding",
      origin: { owner: "a", job: "j", step: "embed/1" },
    });

    expect(calls.map(({ kind, origin }) => [kind, origin.step])).toEqual([
      ["embedding", "embed/1"],
      ["embedding", "embed/1#64"],
    ]);
    expect(server.calls.slice(-2).map(({ purpose, job, step }) => [purpose, job, step])).toEqual([
      ["document.embedding", "j", "embed/1"],
      ["document.embedding", "j", "embed/1"],
    ]);
  });
});

describe("stored answers", () => {
  it("serve the same question again for nothing, and say so", async () => {
    const { ledger, calls } = memoryLedger();
    const models = modelsOf(server.url, { ports: { ledger, answers: memoryAnswers().answers } });
    const before = server.calls.length;
    const first = await models.generateObject(object);
    const again = await models.generateObject({ ...object, origin: { owner: "a", job: "j2", step: "s" } });

    expect(again).toMatchObject({ value: first.value, cached: true, cost: 0, usage: first.usage });
    expect(server.calls.length - before).toBe(1);
    expect(calls[1]).toMatchObject({ outcome: "cached", cost: 0, tokens: { input: 0, output: 0 } });
  });

  it("are charged to the step that they were made for and that was not recorded", async () => {
    const { ledger, calls } = memoryLedger();
    const models = modelsOf(server.url, { ports: { ledger, answers: memoryAnswers().answers } });
    const { cost, usage } = await models.generateObject(object);

    const again = await models.generateObject(object);

    expect(cost).toBeGreaterThan(0);
    expect(again).toMatchObject({ cached: false, cost, usage });
    expect(calls.map((call) => [call.outcome, call.cost])).toEqual([
      ["answered", cost],
      ["cached", 0],
    ]);
  });

  it("serve equal questions in flight with one call", async () => {
    const { ledger, calls } = memoryLedger();
    const models = modelsOf(server.url, { ports: { ledger, answers: memoryAnswers().answers } });
    const before = server.calls.length;
    server.setScript([{ kind: "hold", barrier: "one flight" }]);
    const all = Promise.all([1, 2, 3].map(() => models.generateText(asked)));
    await expect.poll(() => server.calls.length).toBe(before + 1);
    server.release("one flight");

    expect((await all).map(({ cached }) => cached)).toEqual([false, true, true]);
    expect(server.calls.length - before).toBe(1);
    expect(calls.map(({ outcome }) => outcome).toSorted()).toEqual(["answered", "shared", "shared"]);
  });

  it.each([
    ["another owner", { origin: { owner: "b" } }],
    ["other words", { instructions: "Summarise in one word." }],
    ["another text", { text: "Nothing is closed. It is open." }],
    ["another version of the prompt", { prompt: "document.summary@2" }],
    ["another limit", { maxOutputTokens: 77 }],
    ["another temperature", { temperature: 0.3 }],
    ["another schema", { schema: z.object({ text: z.string().min(1), more: z.string() }) }],
    ["who wants a fresh one", { answers: "fresh" as const }],
  ])("do not serve %s", async (_what, change) => {
    const models = modelsOf(server.url, { ports: { answers: memoryAnswers().answers } });
    await models.generateObject(object);

    expect((await models.generateObject({ ...object, ...change })).cached).toBe(false);
  });

  it("are replaced by fresh ones, once these are complete", async () => {
    const models = modelsOf(server.url, { ports: { answers: memoryAnswers().answers } });
    const asking = (step: string, answers?: "fresh") =>
      models.generateText({ ...asked, origin: { owner: "a", job: step, step }, ...(answers && { answers }) });
    server.setScript([{ kind: "answer", content: "first" }]);
    await asking("1");
    server.setScript([{ kind: "answer", content: "cut o", finishReason: "length" }]);
    await expect(asking("2", "fresh")).rejects.toMatchObject({ code: "model_output_truncated" });
    expect(await asking("3")).toMatchObject({ value: "first", cached: true });
    server.setScript([{ kind: "answer", content: "second" }]);

    expect(await asking("4", "fresh")).toMatchObject({ value: "second", cached: false });
    expect(await asking("5")).toMatchObject({ value: "second", cached: true });
  });

  it("are made of complete answers alone", async () => {
    const { answers, stored } = memoryAnswers();
    server.setScript([
      { kind: "truncated_json" },
      { kind: "garbage" },
      { kind: "garbage" },
      { kind: "server_error" },
    ]);
    const models = modelsOf(server.url, { ports: { answers } });
    for (let count = 0; count < 3; count += 1) await models.generateObject(object).catch(() => undefined);

    expect(stored.size).toBe(0);
  });

  it("serve a turn only when nothing about it is left to chance", async () => {
    const { answers, stored } = memoryAnswers();
    const models = modelsOf(server.url, { ports: { answers } });
    const messages = [{ role: "user", text: "What is known?" }] as const;
    const turn = { purpose: "crew.turn", origin: { owner: "a" }, instructions: "Answer.", messages };
    await models.turn(turn);
    await models.turn({ ...turn, temperature: 0, tools: [{ name: "t", description: "", inputSchema: {} }] });
    expect(stored.size).toBe(0);

    await models.turn({ ...turn, temperature: 0 });
    const pieces: string[] = [];
    const again = await models.turn({ ...turn, temperature: 0, onText: ({ text }) => pieces.push(text) });
    expect(again).toMatchObject({ cached: true, cost: 0 });
    expect(pieces).toEqual([again.text]);
  });

  it("are not lost to whoever waits for a call that its caller gives up", async () => {
    const models = modelsOf(server.url, { ports: { answers: memoryAnswers().answers } });
    const before = server.calls.length;
    server.setScript([{ kind: "hang" }]);
    const stopped = new AbortController();
    const first = models.generateText({ ...asked, signal: stopped.signal });
    await expect.poll(() => server.calls.length).toBe(before + 1);
    const second = models.generateText(asked);
    stopped.abort(new Error("cancelled"));

    await expect(first).rejects.toThrow("cancelled");
    expect((await second).value).toContain("In short");
  });
});

describe("a server that fails again and again", () => {
  it("is left alone, tried with one call, and comes back slowly", async () => {
    const { clock, pass } = movableClock();
    const models = modelsOf(server.url, { clock });
    const ask = () =>
      models.generateText({ ...asked, answers: "fresh" }).then(
        () => "ok",
        (error: { code: string }) => error.code,
      );
    server.setScript(() => ({ kind: "server_error" }));
    for (let count = 0; count < 5; count += 1) await ask();
    const before = server.calls.length;

    expect(await Promise.all([ask(), ask(), ask()])).toEqual(Array(3).fill("model_unavailable"));
    expect(server.calls.length - before).toBe(0);
    expect(models.endpoints()[0]).toMatchObject({ breaker: "open", failuresInARow: 5 });

    pass(15_000);
    server.setScript([{ kind: "hold", barrier: "probe" }]);
    const probe = ask();
    await expect.poll(() => server.calls.length).toBe(before + 1);
    expect(await Promise.all([ask(), ask()])).toEqual(Array(2).fill("model_unavailable"));
    server.release("probe");
    expect(await probe).toBe("ok");

    expect(models.endpoints()[0]).toMatchObject({ breaker: "recovering" });
    server.setScript(() => ({ kind: "hold", barrier: "slowly" }));
    const all = Array.from({ length: 8 }, ask);
    await expect.poll(() => server.calls.length).toBe(before + 3);
    expect(models.endpoints()[0]).toMatchObject({ running: 2, waiting: 6 });
    server.release("slowly");
    expect(await Promise.all(all)).toEqual(Array(8).fill("ok"));
    expect(models.endpoints()[0]).toMatchObject({ breaker: "closed" });
  });

  it("is not blamed for a watcher that fails: the answer counts all the same", async () => {
    const models = modelsOf(server.url);
    const onText = () => {
      throw new Error("a bug of the caller");
    };

    const { value } = await models.generateText({ ...asked, onText });

    expect(value).toContain("In short");
    expect(models.endpoints()[0]).toMatchObject({ failuresInARow: 0 });
  });

  it("is not given up for what callers or administrators do wrong", async () => {
    const models = modelsOf(server.url);
    server.setScript(() => ({ kind: "refuse", status: 400 }));
    for (let count = 0; count < 8; count += 1) await models.generateText(asked).catch(() => undefined);

    expect(models.endpoints()[0]).toMatchObject({ breaker: "closed", failuresInARow: 0 });
  });
});
