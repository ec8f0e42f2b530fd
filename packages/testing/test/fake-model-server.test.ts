import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { readLines, startFakeModelServer, waitFor } from "../src/index.ts";
import type { Behaviour, FakeModelServer } from "../src/index.ts";

const text = "Sales were excellent this year. Profit grew by a third. The board is happy with growth.";

const schema = {
  type: "object",
  properties: {
    summary: { type: "string" },
    key_points: { type: "array", items: { type: "string" }, minItems: 2, maxItems: 5 },
    sentiment: { type: "string", enum: ["negative", "neutral", "positive"] },
    score: { type: "number", minimum: -1, maximum: 1 },
    topics: {
      type: "array",
      items: { type: "object", properties: { label: { type: "string" }, weight: { type: "integer" } } },
    },
    note: { anyOf: [{ type: "string" }, { type: "null" }] },
  },
  required: ["summary", "key_points", "sentiment", "score", "topics", "note"],
};

const running: FakeModelServer[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

async function start(
  script: readonly Behaviour[] = [],
  more: { logFile?: string; dimensions?: number } = {},
) {
  const server = await startFakeModelServer({ port: 0, script, ...more });
  running.push(server);
  return server;
}

async function post(server: FakeModelServer, path: string, body: object, signal?: AbortSignal) {
  return fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-millrace-step": "summary", "x-millrace-job": "job-1" },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}

function chat(more: object = {}) {
  return { model: "fake-chat", messages: [{ role: "user", content: text }], ...more };
}

const withSchema = { response_format: { type: "json_schema", json_schema: { name: "a", schema } } };

async function content(response: Response): Promise<string> {
  const body = (await response.json()) as { choices: [{ message: { content: string } }] };
  return body.choices[0].message.content;
}

describe("chat", () => {
  it("answers a structured request with JSON that fits the schema and comes from the text", async () => {
    const server = await start();

    const answer: unknown = JSON.parse(
      await content(await post(server, "/chat/completions", chat(withSchema))),
    );

    expect(answer).toEqual({
      summary: "Sales were excellent this year.",
      key_points: expect.arrayContaining(["Profit grew by a third."]),
      sentiment: "positive",
      score: 0.5,
      topics: expect.arrayContaining([{ label: "board", weight: 1 }]),
      note: "Sales were excellent this year.",
    });
  });

  it("finds the schema in the instructions and the text in its tags", async () => {
    const server = await start();
    const messages = [
      {
        role: "system",
        content: `Answer {only} with JSON of this schema: ${JSON.stringify(schema)} Nothing else.`,
      },
      { role: "user", content: `Summarise.\n<document>\n${text}\n</document>` },
    ];

    const answer = await content(await post(server, "/chat/completions", { model: "m", messages }));

    expect(JSON.parse(answer)).toMatchObject({
      summary: "Sales were excellent this year.",
      sentiment: "positive",
    });
  });

  it("streams the same content that it sends whole, with usage when asked", async () => {
    const server = await start();
    const whole = await content(await post(server, "/chat/completions", chat()));

    const request = chat({ stream: true, stream_options: { include_usage: true } });
    const events = (await (await post(server, "/chat/completions", request)).text()).split("\n\n");
    const chunks = events
      .filter((event) => event.startsWith("data: {"))
      .map(
        (event) =>
          JSON.parse(event.slice(6)) as { choices: { delta: { content?: string } }[]; usage?: object },
      );

    expect(
      chunks
        .flatMap((chunk) => chunk.choices)
        .map((choice) => choice.delta.content ?? "")
        .join(""),
    ).toBe(whole);
    expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 22 });
    expect(events.at(-2)).toBe("data: [DONE]");
  });

  it("rejects a request without messages", async () => {
    const server = await start();

    expect((await post(server, "/chat/completions", { model: "m" })).status).toBe(400);
  });
});

describe("embeddings", () => {
  it("gives equal vectors for equal texts, near ones for similar texts", async () => {
    const server = await start([], { dimensions: 64 });
    const input = ["the red house", "the red house", "the red door", "quarterly profit"];

    const response = await post(server, "/embeddings", { model: "m", input });
    const { data } = (await response.json()) as { data: { embedding: number[] }[] };
    const [first, same, similar, other] = data.map((entry) => entry.embedding);
    const cosine = (left: number[], right: number[]) =>
      left.reduce((sum, value, index) => sum + value * right[index]!, 0);

    expect(first).toHaveLength(64);
    expect(same).toEqual(first);
    expect(cosine(first!, similar!)).toBeGreaterThan(cosine(first!, other!));
  });

  it("follows the dimensions and the encoding of the request", async () => {
    const server = await start();

    const request = { model: "m", input: "a", dimensions: 8, encoding_format: "base64" };
    const { data } = (await (await post(server, "/embeddings", request)).json()) as {
      data: { embedding: string }[];
    };

    expect(Buffer.from(data[0]!.embedding, "base64")).toHaveLength(32);
  });
});

describe("failures on request", () => {
  it.each([
    [{ kind: "rate_limit", retryAfterSeconds: 7 }, 429],
    [{ kind: "server_error" }, 500],
    [{ kind: "server_error", status: 503 }, 503],
    [{ kind: "unauthorized" }, 401],
  ] satisfies [Behaviour, number][])(
    "%j gives status %i, then the next request is answered",
    async (behaviour, status) => {
      const server = await start([behaviour]);

      const failed = await post(server, "/chat/completions", chat());
      const answered = await post(server, "/chat/completions", chat());

      expect(failed.status).toBe(status);
      expect(failed.headers.get("retry-after")).toBe(status === 429 ? "7" : null);
      expect(answered.status).toBe(200);
    },
  );

  it.each(["truncated_json", "garbage"] as const)("%s is not JSON", async (kind) => {
    const server = await start([{ kind }]);

    const answer = await content(await post(server, "/chat/completions", chat(withSchema)));

    expect(() => JSON.parse(answer) as unknown).toThrow(SyntaxError);
  });

  it("fenced JSON has the answer inside a fence, wrong_schema has another shape", async () => {
    const server = await start([{ kind: "fenced_json" }, { kind: "wrong_schema" }]);

    const fenced = await content(await post(server, "/chat/completions", chat(withSchema)));
    const wrong = await content(await post(server, "/chat/completions", chat(withSchema)));

    expect(fenced).toMatch(/```json\n\{"summary":.*\n```/);
    expect(JSON.parse(wrong)).not.toHaveProperty("summary");
  });

  it.each([false, true])("drop_connection cuts the body (stream: %s)", async (stream) => {
    const server = await start([{ kind: "drop_connection" }]);

    const response = await post(server, "/chat/completions", chat({ stream }));

    await expect(response.text()).rejects.toThrow();
    await waitFor(() => server.calls[0]?.outcome === "aborted", { describe: "the aborted call" });
  });

  it("hang says nothing until the client gives up, and is recorded as aborted", async () => {
    const server = await start([{ kind: "hang" }]);
    const giveUp = new AbortController();

    const request = post(server, "/chat/completions", chat(), giveUp.signal);
    await waitFor(() => server.calls.length === 1, { describe: "the call to arrive" });
    giveUp.abort();

    await expect(request).rejects.toThrow();
    await waitFor(() => server.calls[0]?.outcome === "aborted", { describe: "the aborted call" });
  });

  it("garbage_stream is no event stream", async () => {
    const server = await start([{ kind: "garbage_stream" }]);

    const body = await (await post(server, "/chat/completions", chat({ stream: true }))).text();

    expect(body).not.toContain('"choices"');
  });

  it("hold keeps a request at the barrier until it is released", async () => {
    const server = await start([{ kind: "hold", barrier: "gate" }]);

    const held = post(server, "/chat/completions", chat());
    const free = await post(server, "/chat/completions", chat());
    const outcomeWhileHeld = server.calls[0]?.outcome;
    server.release("gate");

    expect(free.status).toBe(200);
    expect(outcomeWhileHeld).toBe("running");
    expect((await held).status).toBe(200);
  });
});

describe("a server process of its own", () => {
  it("prints its address, writes calls to the log file and takes a script over HTTP", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fake-model-"));
    const logFile = join(folder, "calls.jsonl");
    const main = join(import.meta.dirname, "../src/fake-model-server-main.ts");
    const child = spawn(process.execPath, [main, "--port", "0", "--delay", "5", "--log", logFile], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      let url = "";
      for await (const line of readLines(child)) {
        url = /ready at (\S+)/.exec(line)?.[1] ?? "";
        break;
      }
      const send = (address: string, body: object) =>
        fetch(address, {
          method: "POST",
          headers: { "x-millrace-step": "topics" },
          body: JSON.stringify(body),
        });

      const scripted = await send(new URL("/control/script", url).href, [{ kind: "unauthorized" }]);
      const call = await send(`${url}/chat/completions`, chat());
      const lines = await waitFor(
        async () => {
          const found = (await readFile(logFile, "utf8")).trim().split("\n");
          return found.length === 2 && found.map((line) => JSON.parse(line) as object);
        },
        { describe: "two lines in the log" },
      );

      expect(scripted.status).toBe(200);
      expect(call.status).toBe(401);
      expect(lines).toMatchObject([
        { event: "start", number: 1, kind: "chat", step: "topics", outcome: "running" },
        { event: "end", number: 1, kind: "chat", step: "topics", outcome: "answered" },
      ]);
    } finally {
      child.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    }
  });
});
