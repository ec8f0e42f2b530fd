import type { GenerateResult, Models } from "@millrace/models";
import { recordCharge } from "@millrace/usage";
import { z } from "zod";
import type { MakeRequest } from "./maker.ts";

/** What a step gave. JSON, so that it survives the attempt. */
export type Answer = {
  readonly text: string;
  readonly model: string;
  readonly builtIn: boolean;
  /** Of the given text; 1 for a model that reads all of it. */
  readonly coverage: number;
  readonly prompt: string | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cost: number | null;
};

export type Question = {
  readonly key: string;
  readonly purpose: string;
  readonly text: string;
  readonly instructions: string;
  readonly prompt?: string;
  /** The endpoint to ask. Default: those of the purpose. */
  readonly model?: string;
  readonly signal: AbortSignal;
};

const answerSchema = z.object({
  text: z.string().refine((text) => text.trim() !== "", "must not be empty"),
  coverage: z.number().min(0).max(1).optional(),
});

/** One guarded call as a durable step, charged in the transaction that records it. */
export async function askStep(
  models: Models,
  { context, textLanguage, answers }: MakeRequest,
  question: Question,
): Promise<Answer> {
  const { key, signal, model, prompt } = question;
  const { id: job, owner } = context.job;
  return await context.step(
    key,
    async (stepSignal) => {
      const generated = await models.generateObject({
        purpose: question.purpose,
        origin: { owner, job, step: key },
        instructions: question.instructions,
        text: question.text,
        schema: answerSchema,
        schemaName: "summary",
        builtInOperation: "summary",
        textFacts: { title: null, language: textLanguage },
        answers,
        signal: AbortSignal.any([stepSignal, signal]),
        ...(model === undefined ? {} : { model }),
        ...(prompt === undefined ? {} : { prompt }),
      });
      return toAnswer(generated, prompt);
    },
    {
      record: async ({ transaction }, answer) => {
        if (!answer.builtIn) await recordCharge(transaction, { job, step: key, owner, ...chargeOf(answer) });
      },
    },
  );
}

function toAnswer(
  generated: GenerateResult<z.infer<typeof answerSchema>>,
  prompt: string | undefined,
): Answer {
  const { value, model, builtIn, usage, cached, cost } = generated;
  return {
    text: value.text.trim(),
    model,
    builtIn,
    coverage: builtIn ? (value.coverage ?? 1) : 1,
    prompt: builtIn ? null : (prompt ?? null),
    // What the summary cost: an answer that was there cost nothing this time.
    inputTokens: cached ? 0 : usage.inputTokens,
    outputTokens: cached ? 0 : usage.outputTokens,
    cost,
  };
}

function chargeOf({ model, inputTokens, outputTokens, cost }: Answer) {
  return { model, usage: { inputTokens, outputTokens }, cost };
}
