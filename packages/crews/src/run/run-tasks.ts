import { isMillraceError } from "@millrace/kernel";
import type { CrewTask, TaskOutput } from "../definition/crew.ts";
import { runTask } from "./run-task.ts";
import { contextOf, stepKey } from "./run-state.ts";
import type { Run } from "./run-state.ts";
import { contextFor } from "./task-context.ts";

/** Whether an error ends the run, rather than this attempt at it. */
type EndRun = (error: unknown) => void;

/**
 * Does the tasks in their order; async ones run beside each other until the next that is not. `described` has
 * the tasks without plans. `done` are outputs of a former run that are taken over.
 */
export async function runTasks(
  run: Run,
  described: readonly CrewTask[],
  done: readonly TaskOutput[],
  endRun: EndRun,
): Promise<TaskOutput[]> {
  const outputs = new Map(done.map((output) => [output.task, output]));
  // The outputs so far in the order of the file: async tasks end in any.
  const inOrder = () => run.crew.tasks.flatMap((task) => outputs.get(task.name) ?? []);
  let lastSync: TaskOutput | undefined;
  let pending: Promise<TaskOutput>[] = [];

  const settle = async () => {
    // All of them, also after a failure: nothing goes on behind the back of a run that has ended.
    const results = await Promise.allSettled(pending);
    pending = [];
    const errors: unknown[] = [];
    for (const result of results) {
      if (result.status === "rejected") errors.push(result.reason);
      else outputs.set(result.value.task, result.value);
    }
    // What ends the run comes before what only puts it off, such as a question to a person.
    if (errors.length > 0) throw errors.find(isFinal) ?? errors[0];
  };

  for (const [index, task] of run.crew.tasks.entries()) {
    const taken = outputs.get(task.name);
    if (taken !== undefined) {
      if (!task.isAsync) lastSync = taken;
      continue;
    }
    if (!task.isAsync) await settle();
    const previous = inOrder().at(-1);
    const order = {
      task,
      isFirst: index === 0,
      context: contextFor(task, inOrder(), lastSync),
      description: described[index]?.description ?? task.description,
    };
    const work = async () => {
      try {
        return (await skipped(run, task, previous)) ?? (await runTask(run, order));
      } catch (error) {
        endRun(error);
        tellFailure(run, task, error);
        throw error;
      }
    };
    if (task.isAsync) {
      pending.push(work());
      continue;
    }
    lastSync = await work();
    outputs.set(task.name, lastSync);
  }
  await settle();
  return inOrder();
}

/** The empty output of a task whose condition is not met; undefined when it is to be done. */
async function skipped(
  run: Run,
  task: CrewTask,
  previous: TaskOutput | undefined,
): Promise<TaskOutput | undefined> {
  const { condition } = task;
  if (condition === null || previous === undefined) return undefined;
  const key = stepKey("task", task.name, "condition");
  const isMet = await run.runtime.step(
    key,
    async (signal) => condition.value(previous, contextOf(run, key, signal)),
    {
      events: (met) =>
        met ? [] : [{ type: "crew.task_skipped", data: { task: task.name, name: task.title } }],
    },
  );
  if (isMet) return undefined;
  return {
    task: task.name,
    name: task.title,
    description: task.description,
    expected_output: task.expectedOutput,
    agent: "",
    raw: "",
    json: null,
    output_file: null,
    skipped: true,
  };
}

function tellFailure(run: Run, task: CrewTask, error: unknown): void {
  if (!isFinal(error)) return;
  const { code, message } = error;
  run.runtime.emit({ type: "crew.task_failed", data: { task: task.name, error_code: code, message } });
}

/**
 * Errors that no further attempt would change. A conflict says that another attempt has taken the run over:
 * that goes on.
 */
export function isFinal(error: unknown): error is Error & { readonly code: string } {
  return isMillraceError(error) && !error.retryable && error.kind !== "conflict";
}
