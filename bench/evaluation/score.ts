import { readFileSync } from "node:fs";
import { isMillraceError } from "@millrace/kernel";
import type { BuiltInOperation, Models } from "@millrace/models";
import { z } from "zod";
import type { EvaluationCase } from "./case.ts";
import { nearDuplicates, otherTexts } from "./duplicates.ts";
import type { TextPair } from "./duplicates.ts";

/** Shares from 0 to 1; higher is better in all of them. */
export type Scores = {
  /** Of the most important facts, in the summary. */
  summary: number;
  /** Of all facts, in the key points. */
  points: number;
  /** Of the summaries and lists of points, those without anything that must never stand there. */
  clean: number;
  topicRecall: number;
  topicPrecision: number;
  mood: number;
  /** Of the questions that the text answers: by the first quote, by one of three. */
  answerFirst: number;
  answerThree: number;
  /** Of the questions that the text does not answer: nothing found. */
  noAnswer: number;
};

/** The scores that are below what was recorded, each with both figures. */
export function loweredScores(scores: Scores, recorded: Scores): string[] {
  return scoreNames
    .filter((name) => scores[name] < recorded[name])
    .map((name) => `${name}: ${scores[name]} instead of ${recorded[name]}`);
}

export const scoreNames = [
  "summary",
  "points",
  "clean",
  "topicRecall",
  "topicPrecision",
  "mood",
  "answerFirst",
  "answerThree",
  "noAnswer",
] as const satisfies ReadonlyArray<keyof Scores>;

type Share = { found: number; of: number };
type Shares = { readonly [Name in keyof Scores]: Share };

/** What the model gave for one text and did not give, for those who look. */
type CaseReport = {
  readonly file: string;
  readonly answers: unknown;
  readonly missed: readonly string[];
};

/** Asks the model about every text. The same model gives the same scores. */
export async function scoreCases(
  models: Models,
  cases: readonly EvaluationCase[],
): Promise<{ readonly scores: Scores; readonly reports: readonly CaseReport[] }> {
  const shares = byName((): Share => ({ found: 0, of: 0 }));
  const reports: CaseReport[] = [];
  for (const one of cases) reports.push(await scoreCase(models, one, shares));
  const share = ({ found, of }: Share): number => (of === 0 ? 1 : Math.round((found / of) * 1000) / 1000);
  return { scores: byName((name) => share(shares[name])), reports };
}

function byName<Value>(valueOf: (name: keyof Scores) => Value): Record<keyof Scores, Value> {
  return {
    summary: valueOf("summary"),
    points: valueOf("points"),
    clean: valueOf("clean"),
    topicRecall: valueOf("topicRecall"),
    topicPrecision: valueOf("topicPrecision"),
    mood: valueOf("mood"),
    answerFirst: valueOf("answerFirst"),
    answerThree: valueOf("answerThree"),
    noAnswer: valueOf("noAnswer"),
  };
}

const summarySchema = z.object({ text: z.string() });
const pointsSchema = z.object({ points: z.array(z.string()) });
const topicsSchema = z.object({ topics: z.array(z.string()) });
const moodSchema = z.object({ label: z.string(), evidence: z.array(z.string()) });
const answerSchema = z.object({
  quotes: z.array(z.object({ text: z.string(), start: z.int().nullable(), end: z.int().nullable() })),
});

async function scoreCase(models: Models, one: EvaluationCase, shares: Shares): Promise<CaseReport> {
  const text = readFileSync(new URL(one.file, import.meta.url), "utf8");
  const missed: string[] = [];
  const count = (name: keyof Scores, isFound: boolean, what: string): void => {
    shares[name].of += 1;
    if (isFound) shares[name].found += 1;
    else missed.push(`${name}: ${what}`);
  };
  const ask = <T>(operation: BuiltInOperation, schema: z.ZodType<T>, question?: string): Promise<T> =>
    askBuiltIn(models, one, text, { operation, schema, question });

  const { text: summary } = await ask("summary", summarySchema);
  for (const fact of one.facts) count("summary", fact.test(summary), `${fact}`);
  const { points } = await ask("key_points", pointsSchema);
  const listed = points.join("\n");
  for (const fact of [...one.facts, ...one.points]) count("points", fact.test(listed), `${fact}`);
  count("clean", !one.never.some((bad) => bad.test(summary)), "the summary");
  count("clean", !one.never.some((bad) => points.some((point) => bad.test(point))), "the points");

  const { topics } = await ask("topics", topicsSchema);
  for (const wanted of one.topics) {
    count(
      "topicRecall",
      topics.some((topic) => wanted.test(topic)),
      `${wanted}`,
    );
  }
  const right = [...one.topics, ...one.alsoTopics];
  for (const topic of topics)
    count(
      "topicPrecision",
      right.some((fits) => fits.test(topic)),
      topic,
    );

  const mood = await ask("sentiment", moodSchema).catch(unavailable);
  count("mood", (mood?.label ?? null) === one.mood, mood?.label ?? "unavailable");

  const answered: unknown[] = [];
  for (const { question, answer } of one.questions) {
    const { quotes } = await ask("answer", answerSchema, question);
    answered.push({ question, quotes: quotes.map((quote) => quote.text) });
    if (answer === null) {
      count("noAnswer", quotes.length === 0, question);
      continue;
    }
    // As it stands in the text: what was found must be where it is said to be.
    const found = quotes.map(({ start, end, text: quote }) =>
      start === null || end === null ? quote : text.slice(start, end).replaceAll(/[\s>]+/g, " "),
    );
    count("answerFirst", answer.test(found[0] ?? ""), question);
    count(
      "answerThree",
      found.slice(0, 3).some((quote) => answer.test(quote)),
      question,
    );
  }
  return { file: one.file, answers: { summary, points, topics, mood, answered }, missed };
}

async function askBuiltIn<T>(
  models: Models,
  { title, language }: EvaluationCase,
  text: string,
  asked: { operation: BuiltInOperation; schema: z.ZodType<T>; question: string | undefined },
): Promise<T> {
  const { value } = await models.generateObject({
    purpose: "evaluation",
    instructions: "",
    text,
    schema: asked.schema,
    schemaName: asked.operation,
    builtInOperation: asked.operation,
    textFacts: { title, language, ...(asked.question === undefined ? {} : { question: asked.question }) },
  });
  return value;
}

function unavailable(error: unknown): undefined {
  if (isMillraceError(error) && error.kind === "unsupported") return undefined;
  throw error;
}

/** How far near duplicates are from other texts: the least of the one minus the most of the other, in cosine. */
export async function separationOfDuplicates(models: Models): Promise<{ near: number; other: number }> {
  const near = await Promise.all(nearDuplicates.map((pair) => likeness(models, pair)));
  const other = await Promise.all(otherTexts.map((pair) => likeness(models, pair)));
  return { near: Math.min(...near), other: Math.max(...other) };
}

async function likeness(models: Models, { left, right }: TextPair): Promise<number> {
  const { vectors } = await models.embed({ texts: [left, right] });
  const [first = [], second = []] = vectors;
  return first.reduce((sum, value, index) => sum + value * (second[index] ?? 0), 0);
}
