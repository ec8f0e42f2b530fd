import type { QueryAccess } from "@millrace/database";
import { listQueueSettings } from "../control/queue-settings.ts";
import { readTaskControls } from "../control/task-limits.ts";
import type { TaskControl } from "../control/task-limits.ts";
import { listScheduledQueues } from "../schedules/schedule-row.ts";
import type { TaskRegistry } from "../tasks/task-registry.ts";
import { effectiveLimits, hasLimits } from "./limits.ts";
import type { Limits } from "./limits.ts";

/**
 * The limits as a worker knows them: what its tasks declare, below what people have set while the queue
 * runs. A change is followed at the next `refresh`.
 */
export class LiveLimits {
  readonly #registry: TaskRegistry;
  readonly #limits = new Map<string, Limits>();
  readonly #queues = new Map<string, string>();
  readonly #formerQueues = new Set<string>();
  readonly #limitedQueues = new Set<string>();
  #areAllLimited = false;

  constructor(registry: TaskRegistry) {
    this.#registry = registry;
    this.#apply(new Map());
  }

  async refresh(database: QueryAccess): Promise<void> {
    const controls = await readTaskControls(database);
    const limited = (await listQueueSettings(database.queryable)).filter(
      ({ max_running }) => max_running !== null,
    );
    const scheduled = await listScheduledQueues(database.queryable);
    this.#apply(controls);
    for (const { task, queue } of scheduled) if (this.hasLimits(task)) this.#limitedQueues.add(queue);
    this.#areAllLimited = limited.some(({ queue }) => queue === "*");
    for (const { queue } of limited) this.#limitedQueues.add(queue);
  }

  /** Undefined for a task that is not known here. */
  limitsOf(task: string): Limits | undefined {
    return this.#limits.get(task);
  }

  /** Where jobs of a task go that are added now; undefined for a task that is not known here. */
  queueOf(task: string): string | undefined {
    return this.#queues.get(task);
  }

  /** Whether jobs of the task may have to wait for a limit. */
  hasLimits(task: string): boolean {
    return hasLimits(this.#limits.get(task));
  }

  /** Jobs under limits were found in a queue that their tasks no longer have: claims of it count from now on. */
  countIn(formerQueue: string): void {
    this.#formerQueues.add(formerQueue);
  }

  /** Whether a claim of this queue has to count: else it may take the short way. */
  isLimited(queue: string): boolean {
    return this.#areAllLimited || this.#limitedQueues.has(queue) || this.#formerQueues.has(queue);
  }

  #apply(controls: ReadonlyMap<string, TaskControl>): void {
    this.#limits.clear();
    this.#limitedQueues.clear();
    // Of several versions of a task the newest one's limits hold for all of them: they count together.
    for (const task of this.#registry.tasks()) {
      const limits = effectiveLimits(task, controls.get(task.name));
      this.#limits.set(task.name, limits);
      this.#queues.set(task.name, task.queue);
      if (hasLimits(limits)) this.#limitedQueues.add(task.queue);
    }
  }
}
