import type { CrewTask, TaskOutput } from "../definition/crew.ts";

const divider = "\n\n----------\n\n";

/**
 * What a task is told of the others. Without `context`: all outputs before it, or, when it is async, only the
 * last of a task that was not. With it: only those named, and none for an empty list.
 */
export function contextFor(
  task: CrewTask,
  outputs: readonly TaskOutput[],
  lastSync: TaskOutput | undefined,
): string {
  if (task.context !== null) {
    const named = task.context.map((name) => outputs.find((output) => output.task === name));
    return joined(named.filter((output) => output !== undefined));
  }
  if (!task.isAsync) return joined(outputs);
  return lastSync === undefined ? "" : joined([lastSync]);
}

function joined(outputs: readonly TaskOutput[]): string {
  return outputs
    .map((output) => output.raw)
    .filter((raw) => raw !== "")
    .join(divider);
}
