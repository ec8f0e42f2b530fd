import type { AnyTaskHandler } from "./task.ts";

/** The tasks that this process knows, by name and version. */
export class TaskRegistry {
  readonly #handlers = new Map<string, AnyTaskHandler>();

  /** Throws when two handlers claim one task: boot must not go on. */
  constructor(handlers: readonly AnyTaskHandler[]) {
    for (const handler of handlers) {
      const key = taskKey(handler.task.name, handler.task.version);
      if (this.#handlers.has(key)) throw new Error(`Two handlers for task ${key}`);
      this.#handlers.set(key, handler);
    }
  }

  /** Undefined for a task of another version of the program: its jobs wait, they never fail. */
  find(name: string, version: number): AnyTaskHandler | undefined {
    return this.#handlers.get(taskKey(name, version));
  }

  /** `name@version` of everything that runs here, as the claim compares it. */
  keys(): string[] {
    return [...this.#handlers.keys()];
  }

  queues(): string[] {
    return [...new Set([...this.#handlers.values()].map((handler) => handler.task.queue))];
  }
}

function taskKey(name: string, version: number): string {
  return `${name}@${version}`;
}
