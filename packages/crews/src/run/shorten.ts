import { estimateTokens, splitByTokens } from "@millrace/models";
import type { ChatMessage } from "@millrace/models";
import { promptOf } from "../prompts/prompt-files.ts";
import type { Assignment } from "./assignment.ts";
import { markedAsData, stepKey } from "./run-state.ts";
import type { Run } from "./run-state.ts";
import type { Stopwatch } from "./stopwatch.ts";
import { takeTurn } from "./take-turn.ts";

/** In how many parts a conversation is summarised; the next when one of them is still too long. */
const cuts = [2, 4, 8] as const;

const summaries = new WeakMap<ChatMessage, string>();

/** Marks the opening of a conversation that goes on after a summary: the next one has to hold that too. */
export function withSummaryOf(opening: ChatMessage, summary: string): ChatMessage {
  summaries.set(opening, summary);
  return opening;
}

/**
 * Summarises what an agent was given and has done, for a model that can't read it at once. Undefined when even
 * small parts are too long.
 */
export async function summariseWork(
  run: Run,
  assignment: Assignment,
  key: string,
  work: { readonly messages: readonly ChatMessage[]; readonly watches: readonly Stopwatch[] },
): Promise<string | undefined> {
  const [opening] = work.messages;
  const before = (opening && summaries.get(opening)) ?? assignment.context;
  const text = [before, ...work.messages.slice(1).map(inText)].filter((part) => part !== "").join("\n\n");
  for (const parts of cuts) {
    const summary = await summariseIn(parts, text, async (part, index) =>
      takeTurn(run, {
        key: stepKey(key, "summary", parts, index),
        task: assignment.task,
        speaker: assignment.agent.role,
        agent: assignment.agent,
        model: assignment.agent.model,
        prompt: promptOf("crew.summary"),
        instructions: promptOf("crew.summary").body,
        messages: [
          {
            role: "user",
            text: `Summarise this part of the work so far:\n\n${markedAsData(run, key, part)}`,
          },
        ],
        watches: work.watches,
        cap: assignment.cap,
      }),
    );
    if (summary !== undefined) return summary;
  }
  return undefined;
}

async function summariseIn(
  parts: number,
  text: string,
  summarise: (part: string, index: number) => ReturnType<typeof takeTurn>,
): Promise<string | undefined> {
  const maxTokens = Math.max(16, Math.ceil(estimateTokens(text) / parts));
  const summaries: string[] = [];
  for (const [index, chunk] of splitByTokens(text, { maxTokens }).entries()) {
    const record = await summarise(chunk.text, index + 1);
    if (record.outcome === "failed") return undefined;
    summaries.push(record.text);
  }
  return summaries.join("\n\n");
}

function inText(message: ChatMessage): string {
  switch (message.role) {
    case "user":
      return message.text;
    case "assistant": {
      const calls = (message.toolCalls ?? []).map(
        (call) => `Called ${call.name} with ${JSON.stringify(call.input)}`,
      );
      return [message.text, ...calls].join("\n");
    }
    case "tool":
      return message.results.map((result) => `${result.name} gave: ${result.output}`).join("\n");
  }
}
