import { applyOverrides, isTaskName, matchesTask } from "./override-tasks.ts";
import type { TaskOverrides } from "./override-tasks.ts";
import { redacted, redactValue } from "./redact.ts";
import { doubledHandler, missingHandlers, unknownOverrides } from "./task-errors.ts";
import type { AnyTaskHandler, Task } from "./task.ts";

export type RegistryOptions = {
  /** What settings change of the tasks. Default nothing. */
  readonly overrides?: TaskOverrides;
  /** Tasks that this process knows besides those it handles: to enqueue them, to show their jobs. */
  readonly tasks?: readonly Task[];
};

/** The tasks that this process knows and those it runs, by name and version, with overrides applied. */
export class TaskRegistry {
  readonly #handlers = new Map<string, AnyTaskHandler>();
  readonly #byVersion = new Map<string, Map<number, AnyTaskHandler>>();
  readonly #tasks = new Map<string, Task>();
  readonly #overrides: TaskOverrides;
  /** By the task as declared: enqueueing asks for every job. */
  readonly #overridden = new WeakMap<Task, Task>();

  /**
   * Throws `doubled_handler` when two handlers claim one task, and `invalid_task` when an override
   * makes one that can't work: boot must not go on.
   */
  constructor(handlers: readonly AnyTaskHandler[], options: RegistryOptions = {}) {
    this.#overrides = options.overrides ?? {};
    for (const task of options.tasks ?? []) this.#tasks.set(taskKey(task), this.taskFor(task));
    for (const handler of handlers) {
      const key = taskKey(handler.task);
      if (this.#handlers.has(key)) throw doubledHandler(key);
      const task = this.taskFor(handler.task);
      this.#tasks.set(key, task);
      const known = { ...handler, task };
      this.#handlers.set(key, known);
      const versions = this.#byVersion.get(task.name) ?? new Map<number, AnyTaskHandler>();
      this.#byVersion.set(task.name, versions.set(task.version, known));
    }
  }

  /** Undefined for a task of another version of the program: its jobs wait, they never fail. */
  find(name: string, version: number): AnyTaskHandler | undefined {
    // Asked several times for every job: without a key to make.
    return this.#byVersion.get(name)?.get(version);
  }

  /** The task of a job, also where this process has no handler for it. */
  findTask(name: string, version: number): Task | undefined {
    return this.#tasks.get(taskKey({ name, version }));
  }

  /** The task with overrides applied, known here or not: what enqueueing goes by. */
  taskFor<Input, Output>(task: Task<Input, Output>): Task<Input, Output> {
    const known = this.#overridden.get(task);
    // What is kept for a task was made of it by `applyOverrides`, which keeps its types.
    if (known !== undefined) return known as Task<Input, Output>;
    const overridden = applyOverrides(task, this.#overrides);
    this.#overridden.set(task, overridden);
    return overridden;
  }

  /** Every task that this process knows, by name and version. */
  tasks(): readonly Task[] {
    return [...this.#tasks.values()].toSorted(
      (a, b) => a.name.localeCompare(b.name, "en") || a.version - b.version,
    );
  }

  /** `name@version` of everything that runs here, as the claim compares it. */
  keys(): string[] {
    return [...this.#handlers.keys()];
  }

  queues(): string[] {
    return [...new Set([...this.#handlers.values()].map((handler) => handler.task.queue))];
  }

  /** For a process that runs jobs: throws `missing_handler`, naming every declared task that nothing here runs. */
  assertHandlers(tasks: readonly Pick<Task, "name" | "version">[]): void {
    const missing = tasks.map(taskKey).filter((key) => !this.#handlers.has(key));
    if (missing.length > 0) throw missingHandlers(missing);
  }

  /**
   * For a process that knows all tasks: throws `unknown_task_override` when overrides name a task
   * that there is not, for that is a slip of the pen. Returns the patterns that cover no task, which
   * deserve a warning: one may be meant for a part of the program that is not there today.
   */
  checkOverrides(): readonly string[] {
    const names = [...new Set([...this.#tasks.values()].map(({ name }) => name))];
    const unused = Object.keys(this.#overrides).filter(
      (pattern) => !names.some((name) => matchesTask(pattern, name)),
    );
    const unknown = unused.filter(isTaskName);
    if (unknown.length > 0) throw unknownOverrides(unknown, names);
    return unused;
  }

  /**
   * An input or an output of a job as people may see it. Of a version that is not known here, every
   * place is left out that any version of the task names; of a task that is not known at all,
   * everything: nobody can say what is secret in it.
   */
  redact(job: { readonly task: string; readonly version: number }, value: unknown): unknown {
    const exact = this.findTask(job.task, job.version);
    if (exact !== undefined) return redactValue(exact, value);
    const others = [...this.#tasks.values()].filter(({ name }) => name === job.task);
    if (others.length === 0) return value === null || value === undefined ? value : redacted;
    return redactValue({ redact: others.flatMap(({ redact }) => redact) }, value);
  }
}

function taskKey({ name, version }: Pick<Task, "name" | "version">): string {
  return `${name}@${version}`;
}
