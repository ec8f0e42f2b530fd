import type { CrewTask } from "./crew.ts";

export type RuleProblem = { readonly task: string; readonly key: string; readonly message: string };

/** What CrewAI checks when a crew is made: how its tasks stand to each other. */
export function checkTaskRules(
  tasks: readonly CrewTask[],
  process: "sequential" | "hierarchical",
): RuleProblem[] {
  return tasks.flatMap((task, index) => [
    ...contextProblems(tasks, index),
    ...agentProblems(task, process),
    ...conditionProblems(task, index),
    ...lastAsyncProblems(tasks, index),
  ]);
}

function contextProblems(tasks: readonly CrewTask[], index: number): RuleProblem[] {
  const task = tasks[index];
  if (task?.context === null || task === undefined) return [];
  const run = asyncRunBefore(tasks, index);
  return task.context.flatMap((name) => {
    const at = tasks.findIndex((other) => other.name === name);
    const problem = (message: string) => [{ task: task.name, key: "context", message }];
    if (at === -1)
      return problem(`there is no task ${name}. Known: ${tasks.map((other) => other.name).join(", ")}.`);
    if (at === index) return problem("a task can't be its own context.");
    if (at > index) return problem(`the task ${name} comes later; a task can only build on earlier ones.`);
    if (task.isAsync && run.has(name))
      return problem(
        `the task ${name} is worked on at the same time; put a task that is not async between them, or make this one wait.`,
      );
    return [];
  });
}

/** The async tasks right before this one: they run beside it. */
function asyncRunBefore(tasks: readonly CrewTask[], index: number): Set<string> {
  const names = new Set<string>();
  for (let at = index - 1; at >= 0 && tasks[at]?.isAsync === true; at--) names.add(tasks[at]?.name ?? "");
  return names;
}

function agentProblems(task: CrewTask, process: "sequential" | "hierarchical"): RuleProblem[] {
  if (process === "hierarchical" || task.agent !== null) return [];
  return [
    { task: task.name, key: "agent", message: "is missing: a sequential crew needs one for each task." },
  ];
}

function conditionProblems(task: CrewTask, index: number): RuleProblem[] {
  if (task.condition === null) return [];
  const problem = (message: string) => [{ task: task.name, key: "condition", message }];
  if (index === 0) return problem("the first task has no output before it to judge.");
  return task.isAsync ? problem("an async task can't have one.") : [];
}

function lastAsyncProblems(tasks: readonly CrewTask[], index: number): RuleProblem[] {
  const isSecondOfTheLast = index === tasks.length - 2 && tasks.slice(index).every((task) => task.isAsync);
  if (!isSecondOfTheLast) return [];
  const message = "a crew can end with at most one async task: which output would be its result?";
  return [{ task: tasks[index + 1]?.name ?? "", key: "async_execution", message }];
}
