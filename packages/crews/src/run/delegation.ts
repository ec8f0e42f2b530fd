import { isMillraceError } from "@millrace/kernel";
import type { ToolCall, ToolDefinition, ToolResult } from "@millrace/models";
import { isPlainMap } from "../definition/yaml-file.ts";
import type { CrewAgent } from "../definition/crew.ts";
import { taskPrompt } from "../prompts/agent-prompt.ts";
import { askQuestion, delegateWork } from "../tools/delegation-names.ts";
import type { Assignment, DoWork } from "./assignment.ts";
import { excerpt } from "./run-state.ts";
import type { Run } from "./run-state.ts";
import type { Stopwatch } from "./stopwatch.ts";
import { toolEvent } from "./tool-event.ts";
import type { ToolRecord } from "./tool-event.ts";

/** Work that was handed on may be handed on once more: deeper chains only lose what was meant. */
const maxDepth = 2;

/** A coworker's answer is read by an agent like the result of a tool. */
const maxAnswerCharacters = 40_000;

/** The tools by which an agent hands work on; none when there is nobody. */
export function delegationTools(assignment: Assignment): ToolDefinition[] {
  if (assignment.coworkers.length === 0) return [];
  const roles = assignment.coworkers.map((coworker) => coworker.role).join(", ");
  const knowsNothing = "They know nothing of your work: put everything they need into the context.";
  return [
    definition(delegateWork, `Delegate a task to one of these coworkers: ${roles}. ${knowsNothing}`, {
      task: "The whole task",
    }),
    definition(askQuestion, `Ask one of these coworkers a question: ${roles}. ${knowsNothing}`, {
      question: "The question",
    }),
  ];
}

function definition(
  name: string,
  description: string,
  first: Readonly<Record<string, string>>,
): ToolDefinition {
  const fields = {
    ...first,
    context: "All that is needed to understand it",
    coworker: "The role of the coworker",
  };
  return {
    name,
    description,
    inputSchema: {
      type: "object",
      properties: Object.fromEntries(
        Object.entries(fields).map(([key, text]) => [key, { type: "string", description: text }]),
      ),
      required: Object.keys(fields),
      additionalProperties: false,
    },
  };
}

export type Handover = {
  readonly call: ToolCall;
  /** The key of the call; the coworker's steps lie under it. */
  readonly key: string;
  readonly watches: readonly Stopwatch[];
};

/** Has a coworker do the work that a call of a delegation tool describes. What is wrong with it is told to the agent. */
export async function handOver(
  run: Run,
  assignment: Assignment,
  handover: Handover,
  doWork: DoWork,
): Promise<ToolResult> {
  const { call, key } = handover;
  const input = isPlainMap(call.input) ? call.input : {};
  const wanted = inWords(input["coworker"]);
  const work = inWords(call.name === delegateWork ? input["task"] : input["question"]);
  const coworker = findCoworker(assignment.coworkers, wanted);
  const failed = (output: string): ToolResult => ({
    callId: call.id,
    name: call.name,
    output,
    isError: true,
  });
  const refused = async (why: string): Promise<ToolResult> => {
    const { output } = await run.runtime.step(
      key,
      async (): Promise<ToolRecord> => ({ outcome: "refused", output: why, ms: 0 }),
      { events: (record) => [toolEvent(assignment, call, record, key)] },
    );
    return failed(output);
  };
  if (coworker === undefined) {
    const roles = assignment.coworkers.map((one) => `- ${one.role}`).join("\n");
    return await refused(
      `There is no coworker ${JSON.stringify(wanted)}. It must be one of these:\n${roles}`,
    );
  }
  if (work === "") return await refused("Say what the coworker is to do: the text was empty.");

  await run.runtime.step(key, async () => null, {
    events: () => [
      {
        type: "crew.work_delegated",
        data: {
          task: assignment.task,
          agent: assignment.agent.role,
          coworker: coworker.role,
          kind: call.name === delegateWork ? "task" : "question",
          text: excerpt(work),
          step: key,
        },
      },
    ],
  });
  try {
    const answer = await doWork(assignmentOf(run, assignment, handover, { coworker, work, input }));
    return { callId: call.id, name: call.name, output: answer.text.slice(0, maxAnswerCharacters) };
  } catch (error) {
    if (!isMillraceError(error) || error.code !== "crew_agent_failed") throw error;
    return failed(`${coworker.role} could not do it: ${error.message}`);
  }
}

function assignmentOf(
  run: Run,
  from: Assignment,
  handover: Handover,
  wanted: {
    readonly coworker: CrewAgent;
    readonly work: string;
    readonly input: Readonly<Record<string, unknown>>;
  },
): Assignment {
  const { coworker, work, input } = wanted;
  const mayHandOn = coworker.mayDelegate && from.depth + 1 < maxDepth;
  return {
    key: handover.key,
    task: from.task,
    agent: coworker,
    text: taskPrompt(
      {
        description: work,
        expectedOutput:
          "Your best answer to your coworker asking you this, accounting for the context shared.",
        isMarkdown: false,
      },
      {
        schemaText: null,
        today: coworker.dateFormat === null ? null : { date: run.startedAt, format: coworker.dateFormat },
      },
    ),
    context: inWords(input["context"]),
    tools: coworker.tools,
    coworkers: mayHandOn ? run.crew.agents.filter((one) => one.name !== coworker.name) : [],
    depth: from.depth + 1,
    toolFailurePolicy: coworker.toolFailurePolicy,
    schema: null,
    asksPerson: false,
    refusal: null,
    cap: from.cap,
    watches: handover.watches,
    known: run.crew.hasCache && coworker.hasCache ? (from.known ?? new Map()) : null,
  };
}

/** By role, as models write it: capitals, quotes and spaces do not count. The agent's key will do too. */
export function findCoworker(coworkers: readonly CrewAgent[], wanted: string): CrewAgent | undefined {
  const folded = fold(wanted);
  if (folded === "") return undefined;
  return (
    coworkers.find((one) => fold(one.role) === folded) ?? coworkers.find((one) => fold(one.name) === folded)
  );
}

function fold(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/["'`“”‘’*]/g, "")
    .replaceAll(/[\s_]+/g, " ")
    .trim();
}

/** Models give objects and lists where text is asked for: `{"description": "…"}`, `["researcher"]`. */
export function inWords(value: unknown): string {
  if (typeof value === "string") return value.trim();
  if (value === null || value === undefined) return "";
  if (Array.isArray(value) && value.length === 1) return inWords(value[0]);
  if (isPlainMap(value)) {
    const texts = ["description", "task", "question", "context", "role", "coworker", "name", "title", "value"]
      .map((key) => value[key])
      .filter((text) => typeof text === "string");
    if (texts.length === 1 && Object.keys(value).length <= 2) return (texts[0] ?? "").trim();
  }
  return JSON.stringify(value);
}
