import { isMillraceError } from "@millrace/kernel";
import { modelErrors } from "../errors.ts";
import { answer } from "./parts/answer.ts";
import { keyPoints } from "./parts/key-points.ts";
import { rankUsable } from "./parts/rank-usable.ts";
import { sentiment } from "./parts/sentiment.ts";
import { summarise } from "./parts/summary.ts";
import { topics } from "./parts/topics.ts";
import { prepareText } from "./reading/prepare.ts";
import type { PreparedText } from "./reading/prepared-text.ts";
import type { RankedText } from "./parts/rank-usable.ts";
import type { BuiltInOperation } from "./operations.ts";

export type AnalysisRequest = {
  readonly operation: BuiltInOperation;
  readonly text: string;
  readonly title: string | null;
  readonly language: string | null;
  /** Only `answer` has one. */
  readonly question?: string | null;
};

type ReadText = { readonly key: AnalysisRequest; readonly prepared: PreparedText; ranked?: RankedText };

// The four parts of one document follow each other: the last text read serves them all.
let latest: ReadText | undefined;

/**
 * Does one operation on a text, and says which share of it was read (`coverage`). Deterministic; takes words
 * out of the text, writes none.
 */
export function analyse(request: AnalysisRequest): Record<string, unknown> {
  const read = readOnce(request);
  const coverage = Math.round(read.prepared.coverage * 1000) / 1000;
  return { ...operate(request, read), coverage };
}

function operate(request: AnalysisRequest, read: ReadText): Record<string, unknown> {
  switch (request.operation) {
    case "summary":
      return summarise(read.prepared, rankOnce(read));
    case "key_points":
      return keyPoints(read.prepared, rankOnce(read));
    case "sentiment":
      return sentiment(read.prepared);
    case "topics":
      return topics(read.prepared);
    case "analysis":
      return analyseAll(request, read);
    case "answer":
      return answerQuestion(read.prepared, request);
  }
}

function analyseAll(request: AnalysisRequest, read: ReadText): Record<string, unknown> {
  const operations = ["summary", "key_points", "sentiment", "topics"] as const;
  return Object.fromEntries(
    operations.map((operation) => {
      try {
        return [operation, operate({ ...request, operation }, read)];
      } catch (error) {
        if (!isMillraceError(error) || error.kind !== "unsupported") throw error;
        return [operation, null];
      }
    }),
  );
}

function answerQuestion(
  prepared: PreparedText,
  { text, question }: AnalysisRequest,
): ReturnType<typeof answer> {
  const words = prepared.readWords((question ?? "").slice(0, longestQuestion));
  if (!words.some((word) => /[\p{L}\p{N}]/u.test(word.value))) throw modelErrors.questionMissing();
  return answer(prepared, text, words);
}

// Longer ones are texts: their words are found everywhere.
const longestQuestion = 1000;

function readOnce(request: AnalysisRequest): ReadText {
  const isSame =
    latest !== undefined &&
    latest.key.text === request.text &&
    latest.key.title === request.title &&
    latest.key.language === request.language;
  if (!isSame || latest === undefined) {
    latest = { key: request, prepared: prepareText(request.text, request.title, request.language) };
  }
  return latest;
}

function rankOnce(read: ReadText): RankedText {
  read.ranked ??= rankUsable(read.prepared);
  return read.ranked;
}
