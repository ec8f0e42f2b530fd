import type { ChatChoiceState } from "@millrace/models";
import { z } from "zod";
import { checkCitations } from "../citations/check-citations.ts";
import type { GivenCitation } from "../citations/check-citations.ts";
import type { ReadPassage } from "../retrieval/retrieve.ts";
import { purpose } from "./answer.ts";
import type { AnswerRequest, AskModels, GivenAnswer } from "./answer.ts";

const quotesSchema = z.object({
  quotes: z.array(z.object({ text: z.string(), start: z.number().nullable(), end: z.number().nullable() })),
});
type Quote = z.infer<typeof quotesSchema>["quotes"][number];

/** Passages stand apart, so that no sentence goes over two. */
const between = "\n\n";

/** The sentences of the passages that speak of what is asked, quoted by the built-in model; it writes nothing. */
export async function quoteAnswer(
  models: AskModels,
  builtIn: Pick<ChatChoiceState, "name">,
  { context, question, passages }: AnswerRequest,
): Promise<GivenAnswer> {
  const { id: job, owner } = context.job;
  const key = "quotes";
  return await context.step(key, async (signal) => {
    const { value } = await models.generateObject({
      purpose,
      origin: { owner, job, step: key },
      // The built-in model reads no instructions.
      instructions: "Quote.",
      text: passages.map(({ text }) => text).join(between),
      schema: quotesSchema,
      schemaName: "quotes",
      builtInOperation: "answer",
      textFacts: { title: null, language: null, question },
      model: builtIn.name,
      signal,
    });
    const given = value.quotes.map((quote) => citationOf(quote, passages));
    // Its own text has no marks: brackets in a quote stay what they are.
    const { citations, removed } = checkCitations("", given, passages);
    const lines = citations.map(({ quote, number }) => `“${quote.replaceAll(/\s+/g, " ")}” [${number}]`);
    return {
      ...{ answer: lines.join("\n\n"), citations, removed },
      model: builtIn.name,
      extractive: true,
      prompts: [],
      inputTokens: 0,
      outputTokens: 0,
      cost: 0,
    };
  });
}

/** Which passage a quote is from, by its place in the text of all; its words as they stand there, not as they were mended. */
function citationOf({ text, start, end }: Quote, passages: readonly ReadPassage[]): GivenCitation {
  let begin = 0;
  for (const [index, passage] of passages.entries()) {
    const next = begin + passage.text.length + between.length;
    if (start !== null && end !== null && start < next)
      return { passage: index + 1, quote: passage.text.slice(start - begin, end - begin) };
    begin = next;
  }
  // Where it stands is not known: it is looked for in all of them.
  return { passage: 1, quote: text };
}
