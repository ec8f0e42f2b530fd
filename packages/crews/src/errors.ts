import { MillraceError, suggestion } from "@millrace/kernel";
import type { ErrorItem } from "@millrace/kernel";

/** One thing that is wrong with a crew's files, or that has no effect here. */
export type CrewProblem = {
  readonly file: string;
  /** From 1; absent when it is about the file as a whole. */
  readonly line?: number;
  /** The place in the file, such as `researcher.tools`; empty: the whole file. */
  readonly path: string;
  readonly message: string;
};

/** `config/agents.yaml:12: researcher.tolls`: where a problem is. */
export function placeOf(problem: CrewProblem): string {
  const file = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}`;
  return problem.path === "" ? file : `${file}: ${problem.path}`;
}

function failed(code: string, message: string, details: Readonly<Record<string, unknown>>): MillraceError {
  return new MillraceError({ code, kind: "invalid", message, details });
}

/** Every error of this package. Codes are public. */
export const crewErrors = {
  notFound: (crew: string, known: readonly string[]) =>
    new MillraceError({
      code: "crew_not_found",
      kind: "not_found",
      message: `There is no crew ${JSON.stringify(crew)} here.${suggestion(crew, known)} ${known.length === 0 ? "Crews are folders with agents.yaml and tasks.yaml in the folder crews." : `Crews: ${known.join(", ")}.`}`,
      details: { crew },
    }),
  runNotFound: (id: string) =>
    new MillraceError({
      code: "crew_run_not_found",
      kind: "not_found",
      message: `There is no run ${id} of a crew. Use an id that GET /api/crew-runs gives, with the name of its crew.`,
    }),
  runFileNotFound: (path: string) =>
    new MillraceError({
      code: "crew_run_file_not_found",
      kind: "not_found",
      message: `The run has no file ${JSON.stringify(path)}. \`files\` of the run lists those it has.`,
    }),
  runDeleted: (jobId: string) =>
    new MillraceError({
      code: "crew_run_deleted",
      kind: "conflict",
      message: "This job's run has been deleted, as its time was over. Start a new run of the crew.",
      details: { jobId },
    }),
  ownerUnknown: (owner: string) =>
    failed(
      "crew_owner_unknown",
      `The owner ${JSON.stringify(owner)} of this job is no workspace, so that nobody could see the run. Enqueue it with the id of a workspace, or without an owner.`,
      { owner },
    ),
  invalidCrew: (crew: string, problems: readonly CrewProblem[]) =>
    new MillraceError({
      code: "invalid_crew",
      kind: "invalid",
      message: `The crew ${crew} can't be used as it is:\n${problems.map((problem) => `  ${placeOf(problem)}: ${problem.message}`).join("\n")}`,
      items: problems.map((problem): ErrorItem => ({
        pointer: placeOf(problem),
        code: "invalid_crew",
        message: problem.message,
      })),
      details: { crew },
    }),
  invalidTool: (what: string) => new MillraceError({ code: "invalid_tool", kind: "invalid", message: what }),
  inputsInvalid: (items: readonly ErrorItem[]) =>
    new MillraceError({
      code: "crew_inputs_invalid",
      kind: "invalid",
      message: `The crew can't begin with these inputs: ${items.map((item) => item.message).join(" ")}`,
      items,
    }),
  notPermitted: (tools: readonly { readonly tool: string; readonly permission: string }[]) =>
    new MillraceError({
      code: "crew_tool_not_permitted",
      kind: "forbidden",
      message: `This crew uses tools that may not be used here: ${tools.map(({ tool, permission }) => `${tool} (needs ${permission})`).join(", ")}.`,
      details: { tools },
    }),
  changed: (crew: string) =>
    failed(
      "crew_changed",
      `The files of the crew ${crew} have changed since this run began, so what is recorded does not fit them. Start a new run.`,
      { crew },
    ),
  replayTaskUnknown: (task: string, tasks: readonly string[]) =>
    failed("crew_task_unknown", `The crew has no task ${task}. It has: ${tasks.join(", ")}.`, { task }),
  replayOutputMissing: (task: string) =>
    failed("crew_replay_output_missing", `The run to repeat has no output of the task ${task}.`, { task }),
  agentFailed: (task: string, agent: string, cause: { code: string; message: string }) =>
    failed(
      "crew_agent_failed",
      `${agent} gave no usable answer to the task ${task}: ${cause.message} Raise max_retry_limit, or choose another model.`,
      { task, agent, cause: cause.code },
    ),
  toolFailed: (task: string, tool: string, problem: string) =>
    failed(
      "crew_tool_failed",
      `The tool ${tool} failed in the task ${task}: ${problem} With tool_failure_policy: warn the agent is told and goes on.`,
      { task, tool },
    ),
  guardrailFailed: (task: string, problem: string) =>
    failed(
      "crew_guardrail_failed",
      `The output of the task ${task} did not pass its guardrail, however often it was tried: ${problem}`,
      { task },
    ),
  outputInvalid: (task: string, schema: string, problem: string) =>
    failed(
      "crew_output_invalid",
      `The output of the task ${task} does not fit the schema ${schema}: ${problem}`,
      { task, schema },
    ),
  outputFileInvalid: (path: string) =>
    failed(
      "crew_output_file_invalid",
      `${JSON.stringify(path)} can't be the name of an output file: it must stay inside the folder of the run and have only ordinary characters.`,
      { path },
    ),
  timeExceeded: (task: string, agent: string, seconds: number) =>
    failed(
      "crew_execution_time_exceeded",
      `${agent} worked on the task ${task} for longer than its max_execution_time of ${seconds} s.`,
      { task, agent, seconds },
    ),
  tooManyTurns: (task: string, turns: number) =>
    failed(
      "crew_task_too_long",
      `The task ${task} took ${turns} calls of a model, those of coworkers included, and did not end. Make it smaller, or lower max_iter.`,
      { task, turns },
    ),
  planInvalid: (problem: string) =>
    failed("crew_plan_invalid", `The planner gave no plan that can be used: ${problem}`, {}),
  judgementInvalid: (task: string, problem: string) =>
    failed(
      "crew_judgement_invalid",
      `The guardrail of the task ${task} was not judged in a form that can be used: ${problem}`,
      { task },
    ),
} as const;
