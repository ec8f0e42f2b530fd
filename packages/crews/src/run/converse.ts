import type { ChatMessage } from "@millrace/models";
import { frame, lastAnswerPrompt, systemPrompt, withSummary } from "../prompts/agent-prompt.ts";
import { promptOf } from "../prompts/prompt-files.ts";
import type { Assignment, DoWork } from "./assignment.ts";
import { delegationTools } from "./delegation.ts";
import { stepKey } from "./run-state.ts";
import type { Run } from "./run-state.ts";
import { summariseWork, withSummaryOf } from "./shorten.ts";
import type { Stopwatch } from "./stopwatch.ts";
import { takeTurn } from "./take-turn.ts";
import type { TurnRecord } from "./turn-record.ts";
import { useTools } from "./use-tools.ts";

/** An agent at its work: what it was told and has said. */
export type Conversation = {
  readonly run: Run;
  readonly assignment: Assignment;
  readonly watches: readonly Stopwatch[];
  readonly doWork: DoWork;
};

export type Said =
  | { readonly ok: true; readonly text: string; readonly messages: readonly ChatMessage[] }
  /** No answer that can be used: the agent may begin anew. */
  | { readonly ok: false; readonly code: string; readonly message: string };

/** A conversation that had to be summarised so often will not fit. */
const maxSummaries = 3;

/**
 * Lets the agent take turns until it answers. After `max_iter` of them it has to answer with what it knows, and
 * without tools.
 */
export async function converse(
  conversation: Conversation,
  key: string,
  begun: readonly ChatMessage[],
): Promise<Said> {
  const { run, assignment, watches, doWork } = conversation;
  let messages = begun;
  let summaries = 0;
  for (let turn = 1; turn <= assignment.agent.maxTurns + 1; turn++) {
    const isLast = turn > assignment.agent.maxTurns;
    const turnKey = stepKey(key, "turn", turn);
    if (isLast) messages = [...messages, { role: "user", text: lastAnswerPrompt }];
    const record = await speak(conversation, turnKey, messages, isLast ? "none" : "auto");
    if (record.outcome === "failed") {
      if (record.code !== "model_context_exceeded") return { ok: false, ...record };
      summaries += 1;
      const shorter = summaries > maxSummaries ? undefined : await shorten(conversation, turnKey, messages);
      if (shorter === undefined) return { ok: false, ...record };
      messages = shorter;
      continue;
    }
    if (record.toolCalls.length === 0 || isLast) return answerOf(record.text, messages);
    const results = await useTools(run, { assignment, turnKey, watches, doWork }, record.toolCalls);
    messages = [
      ...messages,
      { role: "assistant", text: record.text, toolCalls: record.toolCalls },
      { role: "tool", results },
    ];
  }
  // Reached when even the last turn was too long and had to be summarised.
  return { ok: false, code: "crew_no_answer", message: "It never came to an answer." };
}

/** One more turn in which the agent can only answer. */
export async function speakOnce(
  conversation: Conversation,
  key: string,
  messages: readonly ChatMessage[],
): Promise<Said> {
  const record = await speak(conversation, key, messages, "none");
  return record.outcome === "failed" ? { ok: false, ...record } : answerOf(record.text, messages);
}

function answerOf(text: string, messages: readonly ChatMessage[]): Said {
  if (text.trim() === "") return { ok: false, code: "crew_empty_answer", message: "The answer was empty." };
  return { ok: true, text, messages: [...messages, { role: "assistant", text }] };
}

async function speak(
  conversation: Conversation,
  key: string,
  messages: readonly ChatMessage[],
  toolChoice: "auto" | "none",
): Promise<TurnRecord> {
  const { run, assignment, watches } = conversation;
  const { agent, task, cap } = assignment;
  const tools = toolsOf(assignment);
  const record = await takeTurn(run, {
    key,
    task,
    speaker: agent.role,
    agent,
    model: agent.model,
    prompt: promptOf("crew.agent"),
    instructions: frame(agent, systemPrompt(agent, tools.length > 0), "").instructions,
    messages,
    tools,
    toolChoice,
    watches,
    cap,
  });
  if (record.outcome === "answered") await tellStepCallbacks(conversation, key, record);
  return record;
}

async function tellStepCallbacks(
  { run, assignment }: Conversation,
  key: string,
  record: Extract<TurnRecord, { outcome: "answered" }>,
): Promise<void> {
  const tools = record.toolCalls.map((call) => call.name);
  const callbacks = [...assignment.agent.stepCallbacks, ...run.crew.stepCallbacks];
  for (const [index, callback] of callbacks.entries()) {
    const own = stepKey(key, "callback", index + 1);
    await run.runtime.step(own, async (signal) => {
      const occasion = { task: assignment.task, agent: assignment.agent.role, text: record.text, tools };
      await callback.value({ kind: "step", ...occasion }, { ...run.runtime.scope, step: own, signal });
      return null;
    });
  }
}

function toolsOf(assignment: Assignment) {
  return [
    ...assignment.tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })),
    ...delegationTools(assignment),
  ];
}

async function shorten(
  conversation: Conversation,
  key: string,
  messages: readonly ChatMessage[],
): Promise<readonly ChatMessage[] | undefined> {
  const { run, assignment, watches } = conversation;
  if (!assignment.agent.shortensContext) return undefined;
  const summary = await summariseWork(run, assignment, key, { messages, watches });
  if (summary === undefined) return undefined;
  return [withSummaryOf(openingMessage(assignment, withSummary(assignment.text, summary)), summary)];
}

/** The first message: the task, and with some agents all that they are told. */
export function openingMessage(assignment: Assignment, task: string): ChatMessage {
  const { agent } = assignment;
  return { role: "user", text: frame(agent, systemPrompt(agent, toolsOf(assignment).length > 0), task).user };
}
