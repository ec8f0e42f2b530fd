import type { Task } from "../tasks/task.ts";
import type { TaskRegistry } from "../tasks/task-registry.ts";
import { invalidSchedule } from "./schedule-errors.ts";

/** The tasks that schedules of this process may name. */
export type ScheduleTasks = {
  readonly names: () => readonly string[];
  /** The highest version of a task that is known here. */
  readonly find: (name: string) => Task | undefined;
  /** The same. Throws `invalid_schedule`. */
  readonly get: (schedule: { readonly name: string; readonly task: string }) => Task;
  /** An input of a task as people may see it. */
  readonly redact: (task: string, input: unknown) => unknown;
};

export function createScheduleTasks(registry: TaskRegistry): ScheduleTasks {
  // In the order of their versions: the last of a name stays.
  const byName = new Map(registry.tasks().map((task) => [task.name, task]));
  const names = [...byName.keys()];
  return {
    names: () => names,
    find: (name) => byName.get(name),
    get: ({ name, task: wanted }) => {
      const task = byName.get(wanted);
      if (task !== undefined) return task;
      const message = `is not known here: ${JSON.stringify(wanted)}`;
      throw invalidSchedule(name, [{ field: "task", message }]);
    },
    redact: (task, input) => registry.redact({ task, version: byName.get(task)?.version ?? 0 }, input),
  };
}
