import { createHash } from "node:crypto";
import type { PartName } from "@millrace/contracts";
import type { BuiltInOperation, CallOrigin, GenerateResult, Models, Usage } from "@millrace/models";
import type { Charge } from "@millrace/usage";
import type { z } from "zod";
import type { Instructions } from "./prompts.ts";

/** What is to be paid for a step; none for the built-in model. */
type StepCharge = Omit<Charge, "job" | "step" | "owner">;

/**
 * Runs durable steps: a step whose result is recorded gives that JSON value back without running. The
 * signal it passes on ends with the job's attempt. What a value says is to be paid is charged as it is recorded.
 */
export type StepRunner = <T extends { readonly charge?: StepCharge }>(
  key: string,
  run: (signal: AbortSignal) => Promise<T>,
) => Promise<T>;

/** The document, and what its analysis is made with. */
export type AnalysisRequest = {
  /** All parts that the job makes, those that are there already included: the same in every attempt. */
  readonly parts: readonly PartName[];
  readonly text: string;
  readonly title: string | null;
  /** ISO 639-1, or null when unknown. */
  readonly language: string | null;
  readonly models: Models;
  /** The name of the one to ask. Default: those of each part, in their order. */
  readonly model?: string | undefined;
  /** `fresh`: models are asked anew, though their answers are stored. */
  readonly answers: "reuse" | "fresh";
  readonly step: StepRunner;
  readonly signal: AbortSignal;
  /** Whom the calls are made for; each adds its step. */
  readonly origin: CallOrigin;
};

/** A step's recorded value: JSON, so that it survives the attempt. */
export type Recorded<Result> = {
  readonly result: Result;
  readonly usage: Usage;
  readonly model: string;
  readonly builtIn: boolean;
  /** The prompt it was made by; null for the built-in model, which reads none. */
  readonly prompt: string | null;
  readonly charge?: StepCharge;
};

type Question<Result> = {
  /** The last part of the purpose, and the first of the step's key. */
  readonly what: PartName | "analysis";
  /** Whether the text consists of results, and not of the document. */
  readonly isMerge?: boolean;
  readonly instructions: Instructions;
  readonly text: string;
  readonly schema: z.ZodType<Result>;
  readonly builtInOperation: BuiltInOperation;
  readonly answerTokens: number | undefined;
};

/**
 * One model call as a durable step. Its key is made of what is asked: the same question of the same
 * text is answered once for the life of the job, wherever the text stands in its document.
 */
export async function askStep<Result>(
  request: AnalysisRequest,
  question: Question<Result>,
  signal: AbortSignal,
): Promise<Recorded<Result>> {
  const { instructions } = question;
  const stage = question.isMerge === true ? `${question.what}/merge` : question.what;
  const key = `${stage}/${hashOf([instructions.prompt, instructions.text, question.text])}`;
  return await request.step(key, async (stepSignal) => {
    const generated = await request.models.generateObject({
      purpose: `document.${question.what}`,
      instructions: instructions.text,
      prompt: instructions.prompt,
      text: question.text,
      schema: question.schema,
      schemaName: question.what,
      builtInOperation: question.builtInOperation,
      answers: request.answers,
      ...(request.model === undefined ? {} : { model: request.model }),
      textFacts: { title: request.title, language: request.language },
      origin: { ...request.origin, step: key },
      signal: AbortSignal.any([stepSignal, signal]),
      ...(question.answerTokens === undefined ? {} : { maxOutputTokens: question.answerTokens }),
    });
    return toRecorded(generated, instructions.prompt);
  });
}

function toRecorded<Result>(generated: GenerateResult<Result>, prompt: string): Recorded<Result> {
  const { value: result, usage, model, builtIn, cost, cached } = generated;
  if (builtIn) return { result, usage, model, builtIn, prompt: null };
  return { result, usage, model, builtIn, prompt, charge: { model, usage, cost, cached } };
}

export const noUsage: Usage = { inputTokens: 0, outputTokens: 0 };

function hashOf(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

/** Steps of which one is never under way twice: who asks for one that runs gets its result. */
export function shareSteps(step: StepRunner): StepRunner {
  const running = new Map<string, Promise<unknown>>();
  return async <T extends { readonly charge?: StepCharge }>(
    key: string,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const known = running.get(key);
    // What runs under a key gives what that key records: the same type, by the runner's contract.
    if (known !== undefined) return (await known) as T;
    const started = step(key, run).finally(() => running.delete(key));
    running.set(key, started);
    return await started;
  };
}
