import { partNames } from "@millrace/contracts";
import type { PartName } from "@millrace/contracts";
import { errorCode, parseSettings, silentLogger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import type { Models } from "@millrace/models";
import { startFakeModelServer } from "@millrace/testing";
import type { FakeModelServer } from "@millrace/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createAnalysis, isPartUnavailable } from "../src/analysis/analyse-part.ts";
import type { PartOutcome } from "../src/analysis/analyse-part.ts";
import type { AnalysisRequest, StepRunner } from "../src/analysis/analysis-steps.ts";
import type { StepProgress } from "../src/analysis/step-counter.ts";

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

/** What a step is about, by its key. */
function kindOf(key: string): string {
  return key.split("/")[0] ?? "";
}

/** One part alone, as a job that makes only this one. */
function analysePart<Part extends PartName>({
  part,
  onProgress,
  ...request
}: Omit<AnalysisRequest, "parts"> & {
  readonly part: Part;
  readonly onProgress?: (progress: StepProgress) => void;
}): Promise<PartOutcome<Part>> {
  return createAnalysis({ ...request, parts: [part] }).make(part, onProgress);
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
    answers: "reuse" as const,
    step,
    origin: { owner: null },
    signal: more.signal ?? new AbortController().signal,
  };
}

describe("analysing a document with a chat model", () => {
  it.each(partNames)("makes the %s of a short text in one step", async (part) => {
    const { step, ran } = recordingSteps();
    const outcome = await analysePart({ part, ...ask(remote(), step) });

    expect(outcome).toMatchObject({ model: "openai-compatible:small", extractive: false });
    expect(outcome.usage.inputTokens).toBeGreaterThan(0);
    expect(ran).toEqual([expect.stringMatching(new RegExp(`^${part}/[0-9a-f]{32}$`))]);
    expect(outcome.prompts).toEqual([expect.stringMatching(new RegExp(`^document.${part}@\\d+$`))]);
    expect(server.calls.at(-1)).toMatchObject({ step: ran[0], purpose: `document.${part}` });
  });

  it("reads every character of a long text and merges the results in a tree", async () => {
    // Summaries so long that only three of them fit into one question.
    server.setScript(({ number }) => ({
      kind: "answer",
      content: JSON.stringify({ text: sentence(number).repeat(8) }),
    }));
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
    expect(ran.filter((key) => key.startsWith("summary/merge/")).length).toBeGreaterThan(3);
    expect(outcome.coverage).toBe(1);
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
    const before = server.calls.length;
    const first = remote({ CHAT_CONTEXT_TOKENS: "4096" });
    await analysePart({ part: "sentiment", ...ask(first, step, { text: longText }) });
    await first.stop();
    const second = await analysePart({
      part: "sentiment",
      ...ask(remote({ CHAT_CONTEXT_TOKENS: "8192" }), step, { text: longText }),
    });

    // A stretch that both ways of cutting give is asked about once: nothing else could be said of it.
    const asked = server.calls.slice(before).map((call) => JSON.stringify(call.body));
    expect(asked.every((body) => body.includes("stretch of a longer document"))).toBe(true);
    expect(asked.length).toBeGreaterThan(10);
    expect(second.coverage).toBe(1);
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

describe("analysing all parts of a document together", () => {
  const onlyAnalysis = (call: { purpose: string | undefined }) => call.purpose === "document.analysis";

  function analysisOf(models: Models, step: StepRunner, text: string) {
    return createAnalysis({ ...ask(models, step, { text }), parts: [...partNames] });
  }

  it("asks once for all four parts of a short text", async () => {
    const { step, ran } = recordingSteps();
    const before = server.calls.length;
    const analysis = analysisOf(remote(), step, sentence(1));
    const outcomes = await Promise.all(partNames.map((part) => analysis.make(part)));

    const calls = server.calls.slice(before);
    expect(calls.map(({ purpose }) => purpose)).toEqual(["document.analysis"]);
    expect(ran).toHaveLength(1);
    expect(outcomes.map(({ prompts }) => prompts)).toEqual(
      Array.from({ length: 4 }, () => ["document.analysis@1"]),
    );
  });

  it("reads the stretches of a long text with a quarter of the calls", async () => {
    const own = remote();
    const before = server.calls.length;
    const alone = recordingSteps();
    for (const part of partNames) await analysePart({ part, ...ask(own, alone.step, { text: longText }) });
    const separate = server.calls.slice(before).filter(({ step }) => step?.includes("/merge/") === false);
    const together = recordingSteps();
    const analysis = analysisOf(own, together.step, longText);
    const start = server.calls.length;
    const outcomes = await Promise.all(partNames.map((part) => analysis.make(part)));

    const shared = server.calls.slice(start).filter(({ step }) => step?.includes("/merge/") === false);
    expect(shared.length * 4).toBe(separate.length);
    expect(shared.every(onlyAnalysis)).toBe(true);
    expect(outcomes.every(({ coverage }) => coverage === 1)).toBe(true);
  });

  it("shows the tokens of shared calls once, over all parts", async () => {
    const { step, records } = recordingSteps();
    const analysis = analysisOf(remote(), step, sentence(1));
    const outcomes = await Promise.all(partNames.map((part) => analysis.make(part)));

    const sum = outcomes.reduce((total, { usage }) => total + (usage.inputTokens ?? Number.NaN), 0);
    const recorded = [...records.values()].map(
      (value) => JSON.parse(value) as { usage: { inputTokens: number } },
    );
    expect(sum).toBe(recorded[0]?.usage.inputTokens);
  });

  it("asks alone for the one part that is bad in the answer", async () => {
    server.setScript((call) =>
      onlyAnalysis(call)
        ? {
            kind: "answer",
            content: JSON.stringify({
              summary: { text: "Short." },
              key_points: { points: ["One."] },
              sentiment: { label: "furious", score: 7, evidence: [] },
              topics: { topics: ["bridges"] },
            }),
          }
        : undefined,
    );
    const { step, ran } = recordingSteps();
    const analysis = analysisOf(remote(), step, sentence(1));
    const [summary] = await Promise.all([
      analysis.make("summary"),
      ...partNames.slice(1).map((part) => analysis.make(part)),
    ]);

    expect(ran.map(kindOf)).toEqual(["analysis", "sentiment"]);
    expect(summary.result.text).toBe("Short.");
  });

  it.each(["garbage", "truncated_json", "wrong_schema"] as const)(
    "asks for each part alone when the answer is %s",
    async (kind) => {
      server.setScript((call) => (onlyAnalysis(call) ? { kind } : undefined));
      const { step, ran } = recordingSteps();
      const analysis = analysisOf(remote(), step, sentence(1));
      await Promise.all(partNames.map((part) => analysis.make(part)));

      expect(new Set(ran.map(kindOf))).toEqual(new Set(["analysis", ...partNames]));
    },
  );

  it("fails every part alike when the server has no time, and asks for none alone", async () => {
    server.setScript(() => ({ kind: "rate_limit", retryAfterSeconds: 1 }));
    const { step, ran } = recordingSteps();
    const analysis = analysisOf(remote(), step, sentence(1));
    const settled = await Promise.allSettled(partNames.map((part) => analysis.make(part)));

    const codes = settled.map((end) => (end.status === "rejected" ? errorCode(end.reason) : "made"));
    expect(codes).toEqual(partNames.map(() => "model_rate_limited"));
    expect(ran).toHaveLength(1);
  });

  it("asks again only about the stretch that changed", async () => {
    const { step } = recordingSteps();
    const own = remote();
    await analysisOf(own, step, longText).make("sentiment");
    const before = server.calls.length;
    await analysisOf(own, step, longText.replace(sentence(200), "A wholly new sentence stands here.")).make(
      "sentiment",
    );

    expect(server.calls.length - before).toBeLessThanOrEqual(2);
  });

  it("leaves a part whose purpose has a model of its own to that model", async () => {
    models = createModels({
      settings: parseSettings(modelSettingsSchema, { CHAT_URL: server.url, CHAT_MODEL: "small" }),
      logger: silentLogger,
      own: { purposes: { "document.topics": ["openai-compatible:other"] } },
    });
    const { step, ran } = recordingSteps();
    const analysis = analysisOf(models, step, sentence(1));
    await Promise.all(partNames.map((part) => analysis.make(part)));

    expect(ran.map(kindOf).toSorted()).toEqual(["analysis", "topics"]);
  });
});

describe("analysing a document without a chat model", () => {
  it("reads a text once for all parts, and says of each that can't be made why", async () => {
    const { step, ran } = recordingSteps();
    const german =
      "Die Wärmepumpe arbeitet auch in alten Häusern zuverlässig. Das zeigt eine neue Untersuchung des Instituts.";
    const analysis = createAnalysis({
      ...ask(withModels({}), step, { text: german, language: "de" }),
      parts: [...partNames],
    });
    const settled = await Promise.allSettled(partNames.map((part) => analysis.make(part)));

    expect(settled[partNames.indexOf("sentiment")]).toMatchObject({
      status: "rejected",
      reason: { code: "sentiment_language_unsupported" },
    });
    expect(settled[partNames.indexOf("summary")]).toMatchObject({ status: "fulfilled" });
    expect(ran[0]).toMatch(/^analysis\//);
  });

  it("takes everything from the text, in one step each", async () => {
    const { step, ran } = recordingSteps();
    const own = withModels({});
    const [summary, points] = await Promise.all([
      analysePart({ part: "summary", ...ask(own, step, { text: longText }) }),
      analysePart({ part: "key_points", ...ask(own, step, { text: longText }) }),
    ]);

    expect(summary).toMatchObject({ model: "builtin:extractive-1", extractive: true });
    expect(points.result.points.every((point) => longText.includes(point))).toBe(true);
    expect(ran.map(kindOf).toSorted()).toEqual(["key_points", "summary"]);
    expect(summary.prompts).toEqual([]);
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

    expect(ran).toHaveLength(2);
    expect(outcome.result.topics.length).toBeGreaterThanOrEqual(3);
  });
});
