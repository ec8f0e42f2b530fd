import { parseSettings, silentLogger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import type { Models } from "@millrace/models";
import { z } from "zod";
import { cases } from "../evaluation/cases.ts";
import { heldOutCases } from "../evaluation/held-out-cases.ts";
import { leastSeparation, recordedHeldOutScores, recordedScores } from "../evaluation/recorded-scores.ts";
import { scoreCases, scoreNames, separationOfDuplicates } from "../evaluation/score.ts";
import type { Scores } from "../evaluation/score.ts";
import { prose } from "../material/prose.ts";
import { FigureCollector } from "../measure/figure.ts";
import { residentMemoryOfTree } from "../processes/resident-memory.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

const sizes = [
  ["1 kB", 1000],
  ["100 kB", 100_000],
  ["10 MB", 10_000_000],
] as const;

/** How good the built-in models are, and what they cost. */
export const modelsBuiltIn: Benchmark = {
  name: "models-built-in",
  description: `The built-in models without any model server. Quality in per cent, on ${cases.length} texts of our own with what a good analysis must contain, and on ${heldOutCases.length} that nothing was tuned on; the floor is what was recorded. Time from the question to the answer in the same process, one text after the other, for the four parts of an analysis, an answer and a vector. Memory: how much the process has grown over its size before the first question. Texts beyond 1.2 MB are read in samples.`,
  run: async ({ runs, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    for (let run = 1; run <= runs; run += 1) {
      say(`models-built-in: run ${run} of ${runs}`);
      const models = createModels({
        settings: parseSettings(modelSettingsSchema, {}),
        logger: silentLogger,
      });
      try {
        await measureTime(figures, models);
        await measureQuality(figures, models);
      } finally {
        await models.stop();
      }
    }
    return figures.figures();
  },
};

async function measureQuality(figures: FigureCollector, models: Models): Promise<void> {
  const add = (kind: string, scores: Scores, recorded: Scores): void => {
    for (const name of scoreNames) {
      const floor = recorded[name] * 100;
      figures.add(`${kind}: ${labels[name]}`, "%", scores[name] * 100, { aim: 100, floor: floor - 0.01 });
    }
  };
  add("known texts", (await scoreCases(models, cases)).scores, recordedScores);
  add("held-out texts", (await scoreCases(models, heldOutCases)).scores, recordedHeldOutScores);
  const { near, other } = await separationOfDuplicates(models);
  figures.add("near duplicates: least cosine minus the greatest of other texts", "", near - other, {
    aim: 0.6,
    floor: leastSeparation,
  });
}

const labels: Readonly<Record<keyof Scores, string>> = {
  summary: "most important facts in the summary",
  points: "facts in the key points",
  clean: "summaries and points without code, furniture and tables",
  topicRecall: "topics that must be named",
  topicPrecision: "topics that are right",
  mood: "moods right, or said to be unavailable",
  answerFirst: "questions answered by the first quote",
  answerThree: "questions answered by one of three quotes",
  noAnswer: "questions without an answer: nothing found",
};

const operations = ["summary", "key_points", "sentiment", "topics", "answer"] as const;

async function measureTime(figures: FigureCollector, models: Models): Promise<void> {
  // Starting the thread and loading the English tagger is not the text's time.
  await analyse(models, prose(1000, 1));
  const before = await residentMemoryOfTree(process.pid);
  for (const [name, characters] of sizes) {
    const text = prose(characters, 2);
    const startedMs = performance.now();
    await analyse(models, text);
    figures.add(`${name}: analysis and an answer`, "ms", performance.now() - startedMs);
    const embeddingMs = performance.now();
    await models.embed({ texts: [text] });
    figures.add(`${name}: vector`, "ms", performance.now() - embeddingMs);
    const after = await residentMemoryOfTree(process.pid);
    if (before !== undefined && after !== undefined) {
      figures.add(`${name}: memory`, "MB", (after - before) / 1e6);
    }
  }
}

async function analyse(models: Models, text: string): Promise<void> {
  for (const operation of operations) {
    await models.generateObject({
      purpose: "bench",
      instructions: "",
      text,
      schema: z.looseObject({}),
      schemaName: operation,
      builtInOperation: operation,
      textFacts: { title: null, language: "en", question: "Who measured wheels in winter?" },
    });
  }
}
