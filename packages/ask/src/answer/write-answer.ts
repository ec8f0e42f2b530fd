import { createHash } from "node:crypto";
import { fillPrompt, readPrompts, roomOf } from "@millrace/models";
import type { ChatChoiceState } from "@millrace/models";
import { recordCharge } from "@millrace/usage";
import { z } from "zod";
import { checkCitations } from "../citations/check-citations.ts";
import { Markers } from "../citations/markers.ts";
import { noPrompt } from "../errors.ts";
import { writePartialAnswer } from "../write-questions.ts";
import type { ReadPassage } from "../retrieval/retrieve.ts";
import { purpose } from "./answer.ts";
import type { AnswerRequest, AskModels, GivenAnswer } from "./answer.ts";
import { JsonTextReader } from "./json-text-reader.ts";
import { WrittenText } from "./written-text.ts";

const prompts = readPrompts(new URL("../prompts/", import.meta.url));

/** In the order in which a model is to write it: what is shown as it comes stands before what is checked. */
const writtenSchema = z.object({
  found: z.boolean(),
  answer: z.string(),
  citations: z.array(z.object({ passage: z.number(), quote: z.string() })),
});

/** More citations than an answer needs; the rest is not looked up. */
const mostCitations = 40;
const mostAnswerCharacters = 20_000;

/**
 * An answer written by a chat model out of the passages, told as it is written, its citations looked up in the texts
 * that the model read. Charged in the transaction that records it.
 */
export async function writeAnswer(
  models: AskModels,
  chat: ChatChoiceState,
  { context, question, passages, answers }: AnswerRequest,
): Promise<GivenAnswer> {
  const prompt = prompts.get(purpose);
  if (prompt === undefined) throw noPrompt(purpose);
  const { id: job, owner } = context.job;
  const key = "answer";
  const { answerTokens } = roomOf(chat);
  return await context.step<GivenAnswer & { cached: boolean }>(
    key,
    async (signal) => {
      const watched = watch(context, passages.length);
      try {
        const { value, model, usage, cost, cached } = await models.generateObject({
          purpose,
          origin: { owner, job, step: key },
          instructions: fillPrompt(prompt, { question: JSON.stringify(question) }),
          text: frame(question, passages),
          schema: writtenSchema,
          schemaName: "answer",
          prompt: prompt.id,
          answers,
          onText: watched.onText,
          signal,
          ...(answerTokens === undefined ? {} : { maxOutputTokens: answerTokens }),
        });
        const isFound = value.found && value.answer.trim() !== "";
        return {
          ...checkCitations(
            isFound ? value.answer.slice(0, mostAnswerCharacters) : "",
            isFound ? value.citations.slice(0, mostCitations) : [],
            passages,
          ),
          model,
          extractive: false,
          prompts: [prompt.id],
          // What the answer cost: one that was there cost nothing this time.
          inputTokens: cached ? 0 : usage.inputTokens,
          outputTokens: cached ? 0 : usage.outputTokens,
          cost,
          cached,
        };
      } finally {
        await watched.close();
      }
    },
    {
      record: async ({ transaction }, { model, inputTokens, outputTokens, cost, cached }) => {
        const usage = { inputTokens, outputTokens };
        await recordCharge(transaction, { job, step: key, owner, model, usage, cost, cached });
      },
    },
  );
}

/** The answer as it comes, with the marks that it will have: told to those who watch, and kept as the part that is there. */
function watch({ transaction, input }: AnswerRequest["context"], passages: number) {
  const written = new WrittenText((piece) =>
    transaction(async (scope) => {
      await writePartialAnswer(scope.transaction, input.question_id, piece);
      scope.emit("ask.text_written", piece);
    }),
  );
  const begin = () => ({
    reader: new JsonTextReader("answer"),
    markers: new Markers((passage) => passage >= 1 && passage <= passages),
  });
  let { reader, markers } = begin();
  return {
    onText: ({ text, reset }: { readonly text: string; readonly reset: boolean }) => {
      if (reset) {
        ({ reader, markers } = begin());
        written.begin();
      }
      written.add(markers.add(reader.add(text)));
    },
    close: () => written.close(),
  };
}

/**
 * The passages as data. Their marks are made of all that stands between them, so that no author of a document can have
 * put one into it; the same question about the same passages has the same ones, and so the same stored answer.
 */
function frame(question: string, passages: readonly ReadPassage[]): string {
  const all = JSON.stringify([question, passages.map(({ title, text }) => [title, text])]);
  const mark = `passage-${createHash("sha256").update(all).digest("hex").slice(0, 16)}`;
  return passages
    .map(({ title, page, section, text }, index) => {
      const facts = JSON.stringify({ title, page, section });
      return `<${mark} number="${index + 1}">\n${facts}\n${text}\n</${mark}>`;
    })
    .join("\n\n");
}
