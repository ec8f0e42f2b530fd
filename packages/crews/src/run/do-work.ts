import { parseJson } from "@millrace/kernel";
import type { JsonValue } from "@millrace/kernel";
import { readJsonAnswer } from "@millrace/models";
import type { ChatMessage } from "@millrace/models";
import type { z } from "zod";
import type { Named } from "../definition/crew.ts";
import { crewErrors } from "../errors.ts";
import { feedbackPrompt, withContext } from "../prompts/agent-prompt.ts";
import { repairPrompt } from "../prompts/schema-prompt.ts";
import { planPrompt, withPlan } from "../prompts/plan-prompt.ts";
import type { Answer, Assignment } from "./assignment.ts";
import { converse, openingMessage, speakOnce } from "./converse.ts";
import type { Conversation } from "./converse.ts";
import { excerpt, stepKey } from "./run-state.ts";
import type { Run } from "./run-state.ts";
import { Stopwatch } from "./stopwatch.ts";

/** How often an answer that does not fit its schema is asked for again. */
const maxRepairs = 2;

/** A person who still is not content has another task in mind. */
const maxFeedbacks = 20;

type Talk = { readonly text: string; readonly messages: readonly ChatMessage[] };

/**
 * Has an agent do a piece of work: it takes turns and uses tools, its answer is made to fit the schema, and a
 * person may send it back. Throws `crew_agent_failed` when it gives no answer however often it begins anew.
 */
export async function doWork(run: Run, given: Assignment): Promise<Answer> {
  const { agent, task } = given;
  const watch =
    agent.maxSeconds === null ? [] : [new Stopwatch({ seconds: agent.maxSeconds, task, agent: agent.role })];
  const watches = [...given.watches, ...watch];
  const conversationOf = (assignment: Assignment): Conversation => ({
    run,
    assignment,
    watches,
    doWork: async (work) => doWork(run, work),
  });
  const assignment = await withOwnPlan(conversationOf(given));
  const conversation = conversationOf(assignment);

  const opening = openingMessage(assignment, withContext(assignment.text, assignment.context));
  let talk = await untilAnswer(conversation, assignment.key, [opening]);
  let fitting = await fitSchema(conversation, assignment.key, talk);
  if (!assignment.asksPerson) return fitting.answer;

  for (let round = 1; round <= maxFeedbacks; round++) {
    const key = stepKey(assignment.key, "person", round);
    const feedback = await askPerson(conversation, key, fitting.answer.text);
    if (feedback.trim() === "") break;
    talk = await untilAnswer(conversation, key, [
      ...fitting.messages,
      { role: "user", text: feedbackPrompt(feedback) },
    ]);
    fitting = await fitSchema(conversation, key, talk);
  }
  return fitting.answer;
}

/** Begins anew, as often as `max_retry_limit` says, when no answer came that can be used. */
async function untilAnswer(
  conversation: Conversation,
  key: string,
  messages: readonly ChatMessage[],
): Promise<Talk> {
  const { agent, task } = conversation.assignment;
  for (let attempt = 1; ; attempt++) {
    const said = await converse(conversation, attempt === 1 ? key : stepKey(key, "try", attempt), messages);
    if (said.ok) return said;
    if (attempt > agent.retries) throw crewErrors.agentFailed(task, agent.role, said);
  }
}

async function fitSchema(
  conversation: Conversation,
  key: string,
  talk: Talk,
): Promise<{ readonly answer: Answer; readonly messages: readonly ChatMessage[] }> {
  const { schema, task } = conversation.assignment;
  let { text, messages } = talk;
  for (let repair = 1; ; repair++) {
    const read = readAnswer(text, schema);
    if (read.ok) return { answer: { text, json: read.json }, messages };
    if (repair > maxRepairs) throw crewErrors.outputInvalid(task, schema?.name ?? "", read.problem);
    const asked: ChatMessage[] = [...messages, { role: "user", text: repairPrompt(read.problem) }];
    const said = await speakOnce(conversation, stepKey(key, "output", repair), asked);
    // A repair that failed leaves what was said before; the next one asks again.
    if (said.ok) ({ text, messages } = said);
  }
}

/** A text as the value of a schema; null without one. */
export function readAnswer(
  text: string,
  schema: Named<z.ZodType> | null,
): { readonly ok: true; readonly json: JsonValue } | { readonly ok: false; readonly problem: string } {
  if (schema === null) return { ok: true, json: null };
  const read = readJsonAnswer(text, schema.value);
  // What is stored is JSON, so what is used in this attempt is too.
  return read.ok ? { ok: true, json: parseJson(JSON.stringify(read.value)) as JsonValue } : read;
}

async function askPerson({ run, assignment }: Conversation, key: string, output: string): Promise<string> {
  const { runtime } = run;
  const { task, agent, refusal } = assignment;
  const place = { task, agent: agent.role, step: key };
  // With the whole output: whoever answers reads it there.
  await runtime.step(stepKey(key, "ask"), async () => ({ output }), {
    events: () => [{ type: "crew.person_asked", data: { ...place, output: excerpt(output) } }],
  });
  const feedback = await runtime.waitForPerson(key, { task, agent: agent.role, output, refusal });
  await runtime.step(stepKey(key, "answered"), async () => null, {
    events: () => [{ type: "crew.person_answered", data: { ...place, feedback: excerpt(feedback) } }],
  });
  return feedback;
}

/** `reasoning`: the agent first writes down how it will go about the task, and may think again. */
async function withOwnPlan(conversation: Conversation): Promise<Assignment> {
  const { assignment } = conversation;
  const { agent, key } = assignment;
  let messages: readonly ChatMessage[] = [
    openingMessage(assignment, planPrompt(withContext(assignment.text, assignment.context))),
  ];
  let plan: string | undefined;
  for (let attempt = 1; attempt <= agent.planAttempts; attempt++) {
    const said = await speakOnce(conversation, stepKey(key, "plan", attempt), messages);
    // A plan helps; without one the task is worked on as it is.
    if (!said.ok) break;
    plan = said.text;
    if (!/NOT READY/i.test(plan)) break;
    messages = [...said.messages, { role: "user", text: "Improve your plan until you are ready." }];
  }
  return plan === undefined ? assignment : { ...assignment, text: withPlan(assignment.text, plan) };
}
