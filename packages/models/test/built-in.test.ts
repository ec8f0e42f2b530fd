import { readFileSync } from "node:fs";
import { parseSettings, silentLogger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import type { Models } from "@millrace/models";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

const news = readFileSync(new URL("fixtures/news-en.txt", import.meta.url), "utf8");
const megabyte = Array.from({ length: 520 }, (_unused, index) =>
  news.replaceAll("bridge", `bridge${index}`),
).join("\n\n");
const request = {
  purpose: "test.summary",
  instructions: "Summarise.",
  text: news,
  schema: z.object({ text: z.string() }),
  schemaName: "summary",
  builtInOperation: "summary",
} as const;

let models: Models;

beforeEach(async () => {
  models = create({});
  await models.start();
});

afterEach(() => models.stop());

function create(environment: Record<string, string>): Models {
  return createModels({ settings: parseSettings(modelSettingsSchema, environment), logger: silentLogger });
}

describe("the built-in models behind the ordinary interface", () => {
  it("answer without any setting, and say who answered", async () => {
    const result = await models.generateObject(request);

    expect(result).toMatchObject({
      value: { text: expect.stringContaining("Port Ellery") },
      model: "builtin:extractive-1",
      builtIn: true,
      usage: { inputTokens: null, outputTokens: null },
    });
    expect(models.chat.contextTokens).toBeNull();
  });

  it("give the errors of an operation with their codes", async () => {
    const text = "Die Wärmepumpe arbeitet auch in alten Häusern zuverlässig und sparsam.";
    const asked = models.generateObject({ ...request, text, builtInOperation: "sentiment" });

    await expect(asked).rejects.toMatchObject({
      code: "sentiment_language_unsupported",
      kind: "unsupported",
    });
  });

  it("refuse what they can't do", async () => {
    const { builtInOperation: _operation, ...free } = request;

    await expect(models.generateText(free)).rejects.toMatchObject({ code: "built_in_operation_unsupported" });
  });

  it("give an extract as text when asked for text", async () => {
    expect((await models.generateText(request)).value).toMatch(/^The city council/);
  });

  it("detect languages, and leave open what can't be told", async () => {
    expect(await models.detectLanguage(news)).toMatchObject({ code: "en" });
    expect(await models.detectLanguage("图书馆每天开放到午夜十二点。")).toMatchObject({ code: "zh" });
    expect(await models.detectLanguage("Postgres")).toEqual({ code: null, confidence: null });
  });

  it("embed in order, long texts too", async () => {
    const texts = [news, "short", news.slice(0, 500), megabyte.slice(0, 100_000)];
    const { vectors, dimensions } = await models.embed({ texts });
    const alone = await models.embed({ texts: ["short"] });

    expect(dimensions).toBe(412);
    expect(vectors[1]).toEqual(alone.vectors[0]);
    expect(vectors.every((vector) => vector.length === 412)).toBe(true);
  });

  it("keep the main thread free while they read a megabyte", async () => {
    await models.generateObject(request);
    const before = process.threadCpuUsage();
    await models.generateObject({ ...request, text: megabyte });
    const used = process.threadCpuUsage(before);

    // Processor time of this thread alone: what other processes do to the machine does not count.
    expect((used.user + used.system) / 1000).toBeLessThan(300);
  });
});

describe("the built-in model's thread", () => {
  it("ends a text that takes too long, and works on", async () => {
    const hurried = create({ MODEL_TIMEOUT_MS: "100" });
    await expect(hurried.generateObject({ ...request, text: megabyte })).rejects.toMatchObject({
      code: "model_timeout",
      retryable: true,
    });
    await hurried.stop();

    expect((await models.generateObject(request)).value.text).not.toBe("");
  });

  it("gives way at once when a request is cancelled, and serves the next one", async () => {
    await models.generateObject(request);
    const cancelled = new AbortController();
    const long = models.generateObject({ ...request, text: megabyte, signal: cancelled.signal });
    const waiting = models.generateObject(request);
    const reason = new Error("cancelled");
    setImmediate(() => cancelled.abort(reason));

    await expect(long).rejects.toBe(reason);
    expect((await waiting).value.text).not.toBe("");
  });

  it("fails what is waiting when it stops, starts nothing after, and stops twice", async () => {
    const waiting = [models.generateObject(request), models.generateObject(request)];
    const settled = Promise.allSettled(waiting);
    await models.stop();
    await models.stop();

    const outcomes = await settled;
    expect(outcomes.every((outcome) => outcome.status === "rejected")).toBe(true);
    await expect(models.generateObject(request)).rejects.toMatchObject({ code: "built_in_model_stopped" });
  });
});
