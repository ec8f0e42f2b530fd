import type { PartName } from "@millrace/contracts";
import { errorCode, isMillraceError } from "@millrace/kernel";
import type { TextRoom, Usage } from "@millrace/models";
import { z } from "zod";
import { askStep } from "./analysis-steps.ts";
import type { AnalysisRequest, Recorded } from "./analysis-steps.ts";
import { partPlans } from "./part-plans.ts";
import { analysisInstructions } from "./prompts.ts";

// Four results need some room: with less, most answers would be cut off and all be asked for again.
const leastAnswerTokens = 1000;
// A model that fails so often does it with the next stretch too; each failure is paid for nothing.
const mostFailures = 2;

/**
 * Several parts of the analysis by one call per stretch of text, for parts that go to the same model.
 * A part that is missing or bad in an answer, and all parts of an answer that can't be used, are left
 * to be asked for alone.
 */
export class CombinedAnalysis {
  readonly #request: AnalysisRequest;
  readonly #room: TextRoom;
  readonly #parts: readonly PartName[];
  readonly #answers = new Map<string, Promise<Recorded<Answer> | undefined>>();
  #failures = 0;

  constructor(request: AnalysisRequest, room: TextRoom) {
    this.#request = request;
    this.#room = room;
    const { models } = request;
    const model = models.chatFor("document.analysis").name;
    const alike = request.parts.filter((part) => models.chatFor(`document.${part}`).name === model);
    const isRoomy = room.answerTokens === undefined || room.answerTokens >= leastAnswerTokens;
    this.#parts = isRoomy && alike.length > 1 ? alike : [];
  }

  /** A part's result for a text, or undefined when it must be asked for alone. */
  async read<Result>(
    part: PartName,
    schema: z.ZodType<Result>,
    { text, isStretch }: { readonly text: string; readonly isStretch: boolean },
  ): Promise<Recorded<Result> | undefined> {
    const place = this.#parts.indexOf(part);
    if (place === -1) return undefined;
    const answer = await this.#ask(text, isStretch);
    if (answer === undefined) return undefined;
    const read = schema.safeParse(answer.result[part]);
    if (!read.success) return undefined;
    const { model, builtIn, prompt } = answer;
    const usage = shareOf(answer.usage, place, this.#parts.length);
    return { result: read.data, model, builtIn, prompt, usage };
  }

  #ask(text: string, isStretch: boolean): Promise<Recorded<Answer> | undefined> {
    const known = this.#answers.get(text);
    if (known !== undefined) return known;
    if (this.#failures >= mostFailures) return Promise.resolve(undefined);
    const asked = this.#askOnce(text, isStretch);
    this.#answers.set(text, asked);
    return asked;
  }

  async #askOnce(text: string, isStretch: boolean): Promise<Recorded<Answer> | undefined> {
    const request = this.#request;
    const question = {
      what: "analysis",
      instructions: analysisInstructions("analysis", request, isStretch),
      text,
      schema: answerSchema(this.#parts),
      builtInOperation: "analysis",
      answerTokens: this.#room.answerTokens,
    } as const;
    try {
      return await askStep(request, question, request.signal);
    } catch (error) {
      if (request.signal.aborted || !isAnswerUnusable(error)) throw error;
      this.#failures += 1;
      return undefined;
    }
  }
}

type Answer = Partial<Record<string, unknown>>;

/**
 * The parts as the model is told to give them, read as they come: one bad part must not spoil the others,
 * and each is checked by itself.
 */
function answerSchema(parts: readonly PartName[]): z.ZodType<Answer> {
  const described = (part: PartName) => {
    const { $schema: _dialect, ...schema } = z.toJSONSchema(partPlans[part].schema, { io: "output" });
    return z.unknown().meta(schema);
  };
  return z.object(Object.fromEntries(parts.map((part) => [part, described(part)])));
}

const unusable = new Set([
  "model_bad_output",
  "model_output_truncated",
  "model_content_filtered",
  "model_request_rejected",
  "model_context_exceeded",
]);

/** Failures of this one answer, which a smaller question may not have; others would fail every part alike. */
function isAnswerUnusable(error: unknown): boolean {
  return isMillraceError(error) && unusable.has(errorCode(error));
}

/** An equal share of the tokens of all, so that the parts together show what was used. */
function shareOf(usage: Usage, place: number, count: number): Usage {
  const share = (tokens: number | null): number | null =>
    tokens === null ? null : Math.floor(tokens / count) + (place < tokens % count ? 1 : 0);
  return { inputTokens: share(usage.inputTokens), outputTokens: share(usage.outputTokens) };
}
