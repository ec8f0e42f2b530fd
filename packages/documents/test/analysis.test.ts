import { partNames } from "@millrace/contracts";
import { parseSettings, silentLogger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import type { Models } from "@millrace/models";
import { startFakeModelServer } from "@millrace/testing";
import type { FakeModelServer } from "@millrace/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { analysePart, isPartUnavailable } from "../src/analysis/analyse-part.ts";
import type { StepRunner } from "../src/analysis/analyse-part.ts";

const sentence = (index: number) =>
  `The committee of town ${index} decided to repair its bridge because engineer number ${index} had found rust in the cables.`;
const longText = Array.from({ length: 400 }, (_unused, index) => sentence(index)).join("\n\n");

let server: FakeModelServer;
let models: Models | undefined;

beforeAll(async () => {
  server = await startFakeModelServer({ port: 0 });
});

afterEach(async () => {
  await models?.stop();
  models = undefined;
  server.setScript([]);
});

afterAll(() => server.stop());

function withModels(environment: Record<string, string>): Models {
  models = createModels({ settings: parseSettings(modelSettingsSchema, environment), logger: silentLogger });
  return models;
}

function remote(more: Record<string, string> = {}): Models {
  return withModels({ CHAT_URL: server.url, CHAT_MODEL: "small", ...more });
}

/** Steps as the queue keeps them: recorded as JSON, given back without running. */
function recordingSteps() {
  const records = new Map<string, string>();
  const ran: string[] = [];
  const step: StepRunner = async <T>(key: string, run: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const recorded = records.get(key);
    // What was recorded under a key is what its run gave: the same type, by the queue's contract.
    if (recorded !== undefined) return JSON.parse(recorded) as T;
    ran.push(key);
    const value = await run(new AbortController().signal);
    records.set(key, JSON.stringify(value));
    return value;
  };
  return { step, records, ran };
}

function ask(
  models: Models,
  step: StepRunner,
  more: { text?: string; language?: string; signal?: AbortSignal } = {},
) {
  return {
    text: more.text ?? sentence(1),
    title: "Bridges",
    language: more.language ?? "en",
    models,
    step,
    signal: more.signal ?? new AbortController().signal,
  };
}

describe("analysing a document with a chat model", () => {
  it.each(partNames)("makes the %s of a short text in one step", async (part) => {
    const { step, ran } = recordingSteps();
    const outcome = await analysePart({ part, ...ask(remote(), step) });

    expect(outcome).toMatchObject({ model: "openai-compatible:small", extractive: false });
    expect(outcome.usage.inputTokens).toBeGreaterThan(0);
    expect(ran).toEqual([`${part}/whole`]);
    expect(server.calls.at(-1)).toMatchObject({ step: `${part}/whole`, purpose: `document.${part}` });
  });

  it("reads every character of a long text and merges the results in a tree", async () => {
    // Summaries so long that only three of them fit into one question.
    server.setScript(() => ({ kind: "answer", content: JSON.stringify({ text: sentence(7).repeat(8) }) }));
    const { step, ran } = recordingSteps();
    const before = server.calls.length;
    const progress: Array<{ done: number; total: number }> = [];
    const outcome = await analysePart({
      part: "summary",
      ...ask(remote({ CHAT_CONTEXT_TOKENS: "2048" }), step, { text: longText }),
      onProgress: (step) => progress.push(step),
    });

    const asked = server.calls.slice(before).map((call) => JSON.stringify(call.body));
    const unread = Array.from({ length: 400 }, (_unused, index) => sentence(index)).filter(
      (text) => !asked.some((body) => body.includes(text)),
    );
    expect(unread).toEqual([]);
    expect(ran).toContain("summary/map/0");
    expect(ran.some((key) => key.startsWith("summary/reduce/1/"))).toBe(true);
    expect(ran.filter((key) => key.startsWith("summary/reduce")).at(-1)).toMatch(/\/0$/);
    expect(outcome.result.text).not.toBe("");
    expect(progress.at(-1)?.done).toBe(progress.at(-1)?.total);
    expect(asked).toHaveLength(ran.length);
  });

  it("never asks for more than the context holds", async () => {
    const before = server.calls.length;
    await analysePart({
      part: "key_points",
      ...ask(remote({ CHAT_CONTEXT_TOKENS: "2048" }), recordingSteps().step, { text: longText }),
    });

    const sizes = server.calls.slice(before).map((call) => JSON.stringify(call.body).length / 4);
    expect(Math.max(...sizes)).toBeLessThan(2048);
  });

  it("asks nothing again that is recorded, and gives the same result", async () => {
    const { step, ran } = recordingSteps();
    const own = remote({ CHAT_CONTEXT_TOKENS: "4096" });
    const request = { part: "topics", ...ask(own, step, { text: longText }) } as const;
    const first = await analysePart(request);
    const steps = [...ran];
    const before = server.calls.length;

    expect(await analysePart(request)).toEqual(first);
    expect(ran).toEqual(steps);
    expect(server.calls.length).toBe(before);
  });

  it("goes on after a failure where it stopped", async () => {
    const { step, records } = recordingSteps();
    const own = remote({ CHAT_CONTEXT_TOKENS: "4096" });
    const request = { part: "summary", ...ask(own, step, { text: longText }) } as const;
    server.setScript([{ kind: "answer" }, { kind: "answer" }, { kind: "rate_limit", retryAfterSeconds: 1 }]);
    await expect(analysePart(request)).rejects.toMatchObject({ code: "model_rate_limited", retryable: true });
    const recorded = [...records.keys()];
    server.setScript([]);
    const before = server.calls.length;
    await analysePart(request);

    const repeated = server.calls.slice(before).filter((call) => recorded.includes(call.step ?? ""));
    expect(recorded.length).toBeGreaterThanOrEqual(1);
    expect(repeated).toEqual([]);
  });

  it("reads the text anew where a retry under another context size cuts it elsewhere", async () => {
    const { step } = recordingSteps();
    const first = remote({ CHAT_CONTEXT_TOKENS: "4096" });
    await analysePart({ part: "sentiment", ...ask(first, step, { text: longText }) });
    await first.stop();
    const before = server.calls.length;
    await analysePart({
      part: "sentiment",
      ...ask(remote({ CHAT_CONTEXT_TOKENS: "8192" }), step, { text: longText }),
    });

    const asked = server.calls.slice(before).map((call) => JSON.stringify(call.body));
    expect(asked.some((body) => body.includes(sentence(399)))).toBe(true);
  });

  it("takes an empty list for no answer", async () => {
    server.setScript(() => ({ kind: "answer", content: '{"points":[]}' }));

    await expect(
      analysePart({ part: "key_points", ...ask(remote(), recordingSteps().step) }),
    ).rejects.toMatchObject({
      code: "model_bad_output",
    });
  });

  it("asks for the document's language", async () => {
    await analysePart({ part: "summary", ...ask(remote(), recordingSteps().step, { language: "de" }) });

    expect(JSON.stringify(server.calls.at(-1)?.body)).toContain("Write in German");
  });

  it("ends with the job's reason when it is cancelled", async () => {
    server.setScript(() => ({ kind: "hang" }));
    const cancelled = new AbortController();
    const before = server.calls.length;
    const reason = new Error("cancelled");
    const analysed = analysePart({
      part: "summary",
      ...ask(remote(), recordingSteps().step, { text: longText, signal: cancelled.signal }),
    });
    await expect.poll(() => server.calls.length).toBeGreaterThan(before);
    cancelled.abort(reason);

    await expect(analysed).rejects.toBe(reason);
  });
});

describe("analysing a document without a chat model", () => {
  it("takes everything from the text, in one step each", async () => {
    const { step, ran } = recordingSteps();
    const own = withModels({});
    const [summary, points] = await Promise.all([
      analysePart({ part: "summary", ...ask(own, step, { text: longText }) }),
      analysePart({ part: "key_points", ...ask(own, step, { text: longText }) }),
    ]);

    expect(summary).toMatchObject({ model: "builtin:extractive-1", extractive: true });
    expect(points.result.points.every((point) => longText.includes(point))).toBe(true);
    expect(ran.toSorted()).toEqual(["key_points/whole", "summary/whole"]);
  });

  it("says which parts are unavailable, and why", async () => {
    const text =
      "Die Wärmepumpe arbeitet auch in alten Häusern zuverlässig. Das zeigt eine neue Untersuchung.";
    const error: unknown = await analysePart({
      part: "sentiment",
      ...ask(withModels({}), recordingSteps().step, { text, language: "de" }),
    }).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code: "sentiment_language_unsupported" });
    expect(isPartUnavailable(error)).toBe(true);
    expect(isPartUnavailable(new Error("other"))).toBe(false);
  });

  it("refuses a document without text", async () => {
    const analysed = analysePart({
      part: "summary",
      ...ask(withModels({}), recordingSteps().step, { text: " \n" }),
    });

    await expect(analysed).rejects.toMatchObject({ code: "text_empty" });
  });

  it("reads a text of more than a megabyte in stretches", async () => {
    const { step, ran } = recordingSteps();
    const text = Array.from({ length: 9000 }, (_unused, index) => sentence(index)).join("\n");
    const outcome = await analysePart({ part: "topics", ...ask(withModels({}), step, { text }) });

    expect(ran).toEqual(["topics/map/0", "topics/map/1"]);
    expect(outcome.result.topics.length).toBeGreaterThanOrEqual(3);
  });
});
