import type { CrewAgent, CrewTask, TaskOutput } from "../definition/crew.ts";
import { crewErrors } from "../errors.ts";
import { failedValidation, taskPrompt } from "../prompts/agent-prompt.ts";
import { interpolate } from "../prompts/interpolate.ts";
import { schemaPrompt } from "../prompts/schema-prompt.ts";
import type { Assignment } from "./assignment.ts";
import { checkGuardrail } from "./check-guardrail.ts";
import { doWork, readAnswer } from "./do-work.ts";
import { outputPath } from "./output-path.ts";
import { contextOf, excerpt, stepKey, TurnCap } from "./run-state.ts";
import type { Run } from "./run-state.ts";

export type TaskOrder = {
  readonly task: CrewTask;
  readonly isFirst: boolean;
  /** What it builds on. */
  readonly context: string;
  /** The description without a plan, for its output. */
  readonly description: string;
};

/** Does one task: work, guardrails, output file, callbacks. Each part is recorded and not done again. */
export async function runTask(run: Run, order: TaskOrder): Promise<TaskOutput> {
  const { task } = order;
  const { runtime } = run;
  const key = stepKey("task", task.name);
  const { agent } = workersOf(run, task);
  const path = task.outputFile === null ? null : outputPath(task.outputFile);
  await runtime.step(stepKey(key, "start"), async () => null, {
    events: () => [
      { type: "crew.task_started", data: { task: task.name, name: task.title, agent: agent.role } },
    ],
  });
  const output = { ...(await untilAccepted(run, order, key)), output_file: path };
  if (path !== null) {
    await runtime.step(stepKey(key, "file"), async () => {
      const text = output.json === null ? output.raw : JSON.stringify(output.json, null, 2);
      await runtime.saveFile({ path, text, task: task.name });
      return null;
    });
  }
  for (const [index, callback] of [...task.callbacks, ...run.crew.taskCallbacks].entries()) {
    const own = stepKey(key, "callback", index + 1);
    await runtime.step(own, async (signal) => {
      await callback.value({ kind: "task", output }, contextOf(run, own, signal));
      return null;
    });
  }
  return runtime.step(stepKey(key, "done"), async () => output, {
    events: () => [
      {
        type: "crew.task_completed",
        data: {
          task: task.name,
          name: task.title,
          agent: agent.role,
          output: excerpt(output.raw),
          output_file: path,
        },
      },
    ],
  });
}

/** Has the task done again, with what was wrong, until its guardrails pass. */
async function untilAccepted(run: Run, order: TaskOrder, key: string): Promise<TaskOutput> {
  const { task } = order;
  const { agent } = workersOf(run, task);
  const guardrails = [...(agent.guardrail === null ? [] : [agent.guardrail]), ...task.guardrails];
  const failures = guardrails.map(() => 0);
  const cap = new TurnCap(task.name);
  let context = order.context;
  let refusal: string | null = null;
  for (let round = 1; ; round++) {
    const roundKey = round === 1 ? key : stepKey(key, "round", round);
    const answer = await doWork(run, assignmentOf(run, order, { key: roundKey, context, cap, refusal }));
    let output = outputOf(order, agent, answer);
    let problem: string | undefined;
    for (const [index, guardrail] of guardrails.entries()) {
      const checkKey = stepKey(roundKey, "guardrail", index + 1);
      const verdict = await checkGuardrail(run, { guardrail, key: checkKey, output, agent, cap });
      if (!verdict.ok) {
        failures[index] = (failures[index] ?? 0) + 1;
        if ((failures[index] ?? 0) > guardrail.retries)
          throw crewErrors.guardrailFailed(task.name, verdict.problem);
        problem = verdict.problem;
        break;
      }
      if (verdict.value !== undefined) output = withText(output, task, verdict.value);
    }
    if (problem === undefined) return output;
    refusal = problem;
    context = [order.context, failedValidation(problem, output.raw)]
      .filter((part) => part !== "")
      .join("\n\n");
  }
}

function withText(output: TaskOutput, task: CrewTask, raw: string): TaskOutput {
  const read = readAnswer(raw, task.schema);
  if (!read.ok) throw crewErrors.outputInvalid(task.name, task.schema?.name ?? "", read.problem);
  return { ...output, raw, json: read.json };
}

function outputOf(
  order: TaskOrder,
  agent: CrewAgent,
  answer: { text: string; json: TaskOutput["json"] },
): TaskOutput {
  const { task } = order;
  return {
    task: task.name,
    name: task.title,
    description: order.description,
    expected_output: task.expectedOutput,
    agent: agent.role,
    raw: answer.text,
    json: answer.json,
    output_file: null,
    skipped: false,
  };
}

/** Who does a task, and to whom it may be handed on. */
function workersOf(
  run: Run,
  task: CrewTask,
): { readonly agent: CrewAgent; readonly coworkers: readonly CrewAgent[] } {
  const { agents, manager } = run.crew;
  const own = agents.find((one) => one.name === task.agent);
  if (manager !== null) return { agent: manager, coworkers: own === undefined ? agents : [own] };
  if (own === undefined) throw new Error(`The task ${task.name} has no agent: its crew was not checked.`);
  return { agent: own, coworkers: own.mayDelegate ? agents.filter((one) => one !== own) : [] };
}

function assignmentOf(
  run: Run,
  { task, isFirst }: TaskOrder,
  round: Pick<Assignment, "key" | "context" | "cap" | "refusal">,
): Assignment {
  const { agent, coworkers } = workersOf(run, task);
  const trigger = triggerText(run, task, isFirst);
  return {
    ...round,
    task: task.name,
    agent,
    text: taskPrompt(
      { ...task, description: `${task.description}${trigger}` },
      {
        schemaText: task.schema === null ? null : schemaPrompt(task.schema.value),
        today: agent.dateFormat === null ? null : { date: run.startedAt, format: agent.dateFormat },
      },
    ),
    tools: task.tools.length > 0 ? task.tools : agent.tools,
    coworkers,
    depth: 0,
    toolFailurePolicy: task.toolFailurePolicy ?? agent.toolFailurePolicy,
    schema: task.schema,
    asksPerson: task.asksPerson,
    watches: [],
    known: run.crew.hasCache && agent.hasCache ? new Map() : null,
  };
}

/** What started the run, for the first task or those that ask for it. */
function triggerText(run: Run, task: CrewTask, isFirst: boolean): string {
  const hasPayload = Object.hasOwn(run.inputs, "crewai_trigger_payload");
  if (!hasPayload || !(task.takesTrigger ?? isFirst)) return "";
  return `\n\nTrigger Payload: ${interpolate("{crewai_trigger_payload}", run.inputs)}`;
}
