import { roomOf } from "@millrace/models";
import type { ChatChoiceState, Models } from "@millrace/models";
import { askStep } from "./ask-step.ts";
import type { Answer } from "./ask-step.ts";
import { condense } from "./condense.ts";
import type { Maker } from "./maker.ts";

/** Sentences taken out of the text by the built-in model; long texts stretch by stretch. */
export function builtInMaker(models: Models, builtIn: ChatChoiceState): Maker {
  const { name: model } = builtIn;
  const room = roomOf(builtIn);
  return {
    recipe: model,
    make: async (request) => {
      const { context, text } = request;
      // The built-in model reads no instructions.
      const ask = (asked: { key: string; text: string; signal: AbortSignal }): Promise<Answer> =>
        askStep(models, request, { ...asked, purpose: "summary.make", instructions: "Summarise.", model });
      let read = 0;
      const condensed = await condense(text, room, {
        summarise: async (stretch, hash, signal) => {
          const answer = await ask({ key: `extract/${hash}`, text: stretch, signal });
          read += answer.coverage * stretch.length;
          return answer;
        },
        signal: context.signal,
        onProgress: (done, total) =>
          context.progress({
            percent: 10 + (done / total) * 70,
            stage: "ai_analysis",
            done,
            total,
            unit: "stretches",
            message: `Read stretch ${done} of ${total}`,
          }),
      });
      context.progress({ percent: 80, stage: "ai_analysis", message: "Choosing the sentences" });
      const answer = await ask({ key: "summary", text: condensed.text, signal: context.signal });
      return {
        result: answer.text,
        model: answer.model,
        extractive: true,
        coverage: condensed.isCondensed ? Math.min(1, read / text.length) : answer.coverage,
        prompts: [],
        input_tokens: 0,
        output_tokens: 0,
        cost: 0,
      };
    },
  };
}
