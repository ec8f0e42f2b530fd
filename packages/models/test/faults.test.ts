import { errorCode, putOffSeconds } from "@millrace/kernel";
import { startFakeModelServer, startFaultProxy } from "@millrace/testing";
import type { Behaviour, FakeModelServer } from "@millrace/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { modelsOf } from "./guarded-models.ts";
import { memoryLedger, memoryLimiter } from "./memory-ports.ts";
import { startOddServer } from "./odd-server.ts";

/** What a model server may do to a call: each fault with what the call then does. */
const asked = {
  purpose: "test.fault",
  origin: { owner: "a", job: "j1", step: "s1" },
  instructions: "Summarise.",
  text: "Die Brücke über den Fluss ist gesperrt – 東京の橋も。 A ferry crosses the harbour. It is slow.",
} as const;
const schema = z.object({ text: z.string().min(1), score: z.number() });
const object = { ...asked, schema, schemaName: "summary" };
const turn = {
  ...{ purpose: asked.purpose, origin: asked.origin, instructions: asked.instructions },
  messages: [{ role: "user", text: asked.text }],
} as const;

let server: FakeModelServer;

beforeAll(async () => {
  server = await startFakeModelServer({ port: 0, dimensions: 8 });
});

afterEach(() => server.setScript([]));

afterAll(() => server.stop());

function during(...script: readonly Behaviour[]): number {
  server.setScript(script);
  return server.calls.length;
}

describe("a slow server (L1, L2)", () => {
  it("is waited for while the answer may still come", async () => {
    during({ kind: "hold", barrier: "slow" });
    const answer = modelsOf(server.url).turn(turn);
    await expect.poll(() => server.calls.at(-1)?.behaviour).toBe("hold");
    server.release("slow");

    expect((await answer).text).toContain("In short");
  });

  it.each([
    ["never begins to answer", { kind: "hang" }, "MODEL_FIRST_BYTE_TIMEOUT_MS", "first_byte"],
    [
      "begins and sends no piece",
      { kind: "hang_after_headers" },
      "MODEL_FIRST_CHUNK_TIMEOUT_MS",
      "first_chunk",
    ],
    [
      "only says that it lives",
      { kind: "hang_after_headers", isAlive: true },
      "MODEL_FIRST_CHUNK_TIMEOUT_MS",
      "first_chunk",
    ],
    ["falls silent in the middle", { kind: "stall", pieces: 2 }, "MODEL_IDLE_TIMEOUT_MS", "between_chunks"],
    ["drips for ever", { kind: "answer", pieceBytes: 1, pieceDelayMs: 40 }, "MODEL_TIMEOUT_MS", "total"],
  ] as const)(
    "that %s is given up, and says which wait was too long",
    async (_what, behaviour, setting, phase) => {
      during(behaviour);
      const models = modelsOf(server.url, { environment: { [setting]: "150" } });

      await expect(models.turn(turn)).rejects.toMatchObject({
        code: "model_timeout",
        retryable: true,
        details: { phase },
        message: expect.stringContaining(setting),
      });
      await expect.poll(() => server.calls.at(-1)?.outcome).toBe("aborted");
    },
  );
});

describe("a server that takes no more requests (L3)", () => {
  it.each([
    ["seconds", { retryAfterSeconds: 7 }, 7],
    ["a date", { retryAfter: new Date(Date.now() + 90_000).toUTCString() }, expect.closeTo(90, -1)],
    ["milliseconds", { retryAfterMs: 1500 }, 1.5],
    ["nothing to wait", { retryAfter: "0" }, 0],
    ["thirty years", { retryAfter: "1000000000" }, 3600],
    ["no time at all", {}, undefined],
    ["nonsense", { retryAfter: "soon" }, undefined],
  ])("that asks for %s is asked once, and the wait passed on", async (_what, fields, seconds) => {
    const before = during({ kind: "rate_limit", ...fields });

    await expect(modelsOf(server.url).turn(turn)).rejects.toMatchObject({
      code: "model_rate_limited",
      retryable: true,
      retryAfterSeconds: seconds,
      putOffSeconds: seconds ?? 10,
    });
    expect(server.calls.length - before).toBe(1);
  });

  it("is told to all workers", async () => {
    const { limiter, held } = memoryLimiter();
    during({ kind: "rate_limit", retryAfterSeconds: 7 }, { kind: "rate_limit" });
    await modelsOf(server.url, { ports: { limiter } })
      .turn(turn)
      .catch(() => undefined);
    await modelsOf(server.url, { ports: { limiter } })
      .turn(turn)
      .catch(() => undefined);

    expect(held).toEqual([7000, 10_000]);
  });

  it("is not asked by calls that were let in before it said so", async () => {
    const before = server.calls.length;
    server.setScript(() => ({ kind: "rate_limit", retryAfterSeconds: 30 }));
    const models = modelsOf(server.url, { environment: { MODEL_CONCURRENCY: "1" } });
    const ends = await Promise.allSettled(Array.from({ length: 20 }, () => models.turn(turn)));

    expect(server.calls.length - before).toBe(1);
    const waits = ends.map((end) => (end.status === "rejected" ? putOffSeconds(end.reason) : 0));
    expect(waits.every((seconds) => seconds !== undefined && seconds > 28)).toBe(true);
  });

  it("gets hardly more calls than it allows", { timeout: 30_000 }, async () => {
    const allowed = 5;
    const windowMs = 500;
    let [window, accepted] = [0, 0];
    const before = server.calls.length;
    server.setScript(() => {
      const now = Math.floor(Date.now() / windowMs);
      if (now !== window) [window, accepted] = [now, 0];
      accepted += 1;
      return accepted <= allowed ? undefined : { kind: "rate_limit", retryAfterMs: windowMs };
    });
    const models = modelsOf(server.url);
    const askUntilAnswered = async (): Promise<void> => {
      for (;;) {
        try {
          await models.turn(turn);
          return;
        } catch (error) {
          if (errorCode(error) !== "model_rate_limited") throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: 40 }, askUntilAnswered));

    // Eight at once before the first refusal, and one for each window after it.
    expect(server.calls.length - before).toBeLessThanOrEqual(40 * 1.5);
  });
});

describe("a server that fails (L4, L14)", () => {
  it.each([500, 502, 503, 529])(
    "with %i is asked once, and the work is worth another try",
    async (status) => {
      const before = during({ kind: "server_error", status });

      await expect(modelsOf(server.url).turn(turn)).rejects.toMatchObject({
        code: "model_overloaded",
        retryable: true,
      });
      expect(server.calls.length - before).toBe(1);
    },
  );

  it("all the time gets five calls of a thousand", async () => {
    const before = server.calls.length;
    server.setScript(() => ({ kind: "server_error", status: 503 }));
    const models = modelsOf(server.url, { environment: { MODEL_CONCURRENCY: "1" } });
    const codes = await Promise.all(
      Array.from({ length: 1000 }, () =>
        models.generateText(asked).then(
          () => "ok",
          (error: { code: string }) => error.code,
        ),
      ),
    );

    expect(server.calls.length - before).toBe(5);
    expect(codes.filter((code) => code === "model_unavailable")).toHaveLength(995);
  });
});

describe("a server that refuses (L5)", () => {
  it.each([
    [400, undefined, "model_request_rejected"],
    [400, "context_length_exceeded", "model_context_exceeded"],
    [401, undefined, "model_unauthorized"],
    [402, undefined, "model_unauthorized"],
    [403, undefined, "model_unauthorized"],
    [404, undefined, "model_not_found"],
  ])("with %i and %s is asked once, and it is final", async (status, code, expected) => {
    const before = during({ kind: "refuse", status, ...(code === undefined ? {} : { code }) });

    await expect(modelsOf(server.url).turn(turn)).rejects.toMatchObject({ code: expected, retryable: false });
    expect(server.calls.length - before).toBe(1);
  });

  it("to speak about a text is asked once, and it is final", async () => {
    const before = during({ kind: "answer", content: "Sorry", finishReason: "content_filter" });

    await expect(modelsOf(server.url).turn(turn)).rejects.toMatchObject({
      code: "model_content_filtered",
      retryable: false,
    });
    expect(server.calls.length - before).toBe(1);
  });
});

describe("an answer of another form (L6)", () => {
  it.each([
    ["in a fence", { kind: "fenced_json" }],
    ["after a byte order mark", { kind: "answer", hasBom: true }],
    ["with the wrong content type", { kind: "answer", contentType: "text/plain" }],
    ["with a key twice", { kind: "answer", content: '{"text":"a","score":1,"text":"b"}' }],
    ["in bytes that come one by one", { kind: "answer", pieceBytes: 3 }],
  ] as const)("%s is read", async (_what, behaviour) => {
    const before = during(behaviour);
    const { value } = await modelsOf(server.url).generateObject(object);

    expect(schema.safeParse(value).success).toBe(true);
    expect(server.calls.length - before).toBe(1);
  });

  it.each([
    ["malformed", { kind: "garbage" }],
    ["of another schema", { kind: "wrong_schema" }],
    ["with NaN for a number", { kind: "answer", content: '{"text":"a","score":NaN}' }],
    ["that is empty", { kind: "answer", content: "" }],
  ] as const)(
    "%s is asked for once more, then it is bad output, and both calls are paid",
    async (_what, behaviour) => {
      const { ledger, calls } = memoryLedger();
      const before = during(behaviour, behaviour);

      await expect(modelsOf(server.url, { ports: { ledger } }).generateObject(object)).rejects.toMatchObject({
        code: "model_bad_output",
        retryable: false,
      });
      expect(server.calls.length - before).toBe(2);
      expect(calls.map(({ cost }) => typeof cost)).toEqual(["number", "number"]);
    },
  );

  it("that is a page of HTML is the server's failure", async () => {
    const odd = await startOddServer((_request, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<html><body>Welcome</body></html>");
    });
    onTestFinished(odd.stop);

    await expect(modelsOf(odd.url).generateText(asked)).rejects.toMatchObject({ code: "model_overloaded" });
    await expect(modelsOf(odd.url).turn(turn)).rejects.toMatchObject({ retryable: true });
  });
});

describe("a stream that goes wrong (L7)", () => {
  it.each([
    ["ends without a finish", { kind: "truncated_stream" }, "model_stream_failed"],
    ["has an error in the middle", { kind: "error_frame" }, "model_stream_failed"],
    ["has one bad line and ends well", { kind: "garbage_line" }, "model_stream_failed"],
    ["is cut off", { kind: "drop_connection" }, "model_unreachable"],
    ["is none", { kind: "garbage_stream" }, "model_stream_failed"],
  ] as const)("because it %s is a failure, its text no answer", async (_what, behaviour, code) => {
    during(behaviour);

    await expect(modelsOf(server.url).turn(turn)).rejects.toMatchObject({ code, retryable: true });
  });

  it("is read with characters cut in two and lines that end in CR LF", async () => {
    const whole = (await modelsOf(server.url).turn(turn)).text;
    during({ kind: "answer", pieceBytes: 1, lineEnd: "\r\n", hasBom: true });

    expect((await modelsOf(server.url).turn(turn)).text).toBe(whole);
    expect(whole).toContain("東京");
  });

  it("with a line of 50 MB is given up early, and takes no memory", { timeout: 30_000 }, async () => {
    during({ kind: "long_line", bytes: 50 * 1024 * 1024 });
    const before = process.memoryUsage().rss;

    await expect(modelsOf(server.url).turn(turn)).rejects.toMatchObject({
      code: "model_response_too_large",
      retryable: false,
    });
    // The server is in this process too, and has the line once as text and once as bytes.
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024);
  });
});

describe("a connection that breaks (L8, L9, L12)", () => {
  it("by the client is closed on the server, and a late answer goes nowhere", async () => {
    const { ledger, calls } = memoryLedger();
    const before = during({ kind: "hold", barrier: "late" });
    const stopped = new AbortController();
    const going = modelsOf(server.url, { ports: { ledger } }).generateText({
      ...asked,
      signal: stopped.signal,
    });
    await expect.poll(() => server.calls.length).toBe(before + 1);
    stopped.abort(new Error("enough"));

    await expect(going).rejects.toThrow("enough");
    await expect.poll(() => server.calls.at(-1)?.outcome).toBe("aborted");
    server.release("late");
    expect(calls.map(({ outcome }) => outcome)).toEqual(["cancelled"]);
  });

  it("after the request was sent is listed once, as failed and of unknown cost", async () => {
    const { ledger, calls, settled } = memoryLedger();
    const before = during({ kind: "hold", barrier: "reset" });
    const { host } = new URL(server.url);
    const proxy = await startFaultProxy({ target: `tcp://${host}` });
    onTestFinished(() => proxy.stop());
    const url = proxy.through(server.url);
    const going = modelsOf(url, { ports: { ledger } }).generateText(asked);
    going.catch(() => undefined);
    await expect.poll(() => server.calls.length).toBe(before + 1);
    proxy.reset();

    await expect(going).rejects.toMatchObject({ code: "model_unreachable", retryable: true });
    expect(calls.map(({ outcome, cost }) => [outcome, cost])).toEqual([["failed", null]]);
    expect(settled).toEqual([0]);
  });

  it.each([
    ["has no address", "http://no-such-host.invalid/v1"],
    ["has an address of nobody", "http://[100::1]:9/v1"],
    ["speaks no TLS", "tls"],
  ])("because the server %s says that it can't be reached", async (_what, url) => {
    const models = modelsOf(url === "tls" ? server.url.replace("http:", "https:") : url, {
      environment: { MODEL_TIMEOUT_MS: "3000" },
    });

    await expect(models.turn(turn)).rejects.toMatchObject({
      code: expect.stringMatching(/^model_(unreachable|timeout)$/),
      retryable: true,
    });
  });

  it("is not carried to where a redirect points", async () => {
    const inner = await startFakeModelServer({ port: 0 });
    onTestFinished(() => inner.stop());
    during({ kind: "redirect", location: `${inner.url}/chat/completions` });

    await expect(modelsOf(server.url).turn(turn)).rejects.toMatchObject({ code: "model_unreachable" });
    expect(inner.calls).toEqual([]);
  });
});

describe("tokens that can't be right (L10)", () => {
  it.each(["missing", "negative", "huge", "text"] as const)(
    "because they are %s are unknown, and so is the cost",
    async (usage) => {
      const { ledger, calls, settled } = memoryLedger();
      during({ kind: "answer", usage }, { kind: "answer", usage });
      const models = modelsOf(server.url, { ports: { ledger } });
      const results = [await models.generateText(asked), await models.turn(turn)];

      expect(results.map(({ cost }) => cost)).toEqual([null, null]);
      expect(calls.map(({ tokens }) => tokens)).toEqual(
        [1, 2].map(() => ({ input: null, output: null, cachedInput: null })),
      );
      expect(settled).toEqual([null, null]);
    },
  );

  it("because more came from the cache than was read are billed without it", async () => {
    during({ kind: "answer", usage: { prompt_tokens: 10, completion_tokens: 5, cached_tokens: 99 } });

    expect((await modelsOf(server.url).generateText(asked)).cost).toBeCloseTo(0.015);
  });
});

describe("a model that always asks for tools (L11)", () => {
  it("gets one call for each turn: the loop is the caller's to end", async () => {
    const before = server.calls.length;
    server.setScript(() => ({ kind: "first_tool" }));
    const tools = [{ name: "look", description: "Looks.", inputSchema: { type: "object" } }];
    const result = await modelsOf(server.url).turn({ ...turn, tools });

    expect(result.toolCalls).toHaveLength(1);
    expect(server.calls.length - before).toBe(1);
  });

  it("can be shown the tools and kept from asking", async () => {
    server.setScript(() => ({ kind: "first_tool" }));
    const tools = [{ name: "look", description: "Looks.", inputSchema: { type: "object" } }];
    const result = await modelsOf(server.url).turn({ ...turn, tools, toolChoice: "none" });

    expect(result).toMatchObject({ toolCalls: [], text: expect.stringContaining("In short") });
  });
});

describe("vectors that don't fit (L15)", () => {
  it.each([
    ["of another length than before", { kind: "other_dimensions", dimensions: 5 }, "embedding_mismatch"],
    ["with NaN in them", { kind: "nan_vector" }, "model_overloaded"],
    ["that are missing", { kind: "garbage" }, "embedding_mismatch"],
  ] as const)("because they are %s are refused, all of them", async (_what, behaviour, code) => {
    const models = modelsOf(server.url);
    await models.embed({ texts: ["one"] });
    during({ kind: "answer" }, behaviour);
    const texts = Array.from({ length: 100 }, (_unused, index) => `text ${index}`);

    await expect(models.embed({ texts })).rejects.toMatchObject({ code });
    expect(models.embedding.dimensions).toBe(8);
  });
});
