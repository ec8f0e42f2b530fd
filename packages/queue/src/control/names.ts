import { maxNameLength, queueName, taskName } from "../tasks/check-task.ts";
import { invalidQueueName, invalidTaskName } from "./control-errors.ts";

/** Stands for all queues together where one may be named. */
export const allQueues = "*";

/** Throws `invalid_queue_name`. Whether the queue has jobs or workers is not asked: they may come. */
export function assertQueueName(queue: string): void {
  if (queue !== allQueues && !queueName.test(queue)) throw invalidQueueName(queue);
}

/** Throws `invalid_task_name`. */
export function assertTaskName(task: string): void {
  if (!taskName.test(task) || task.length > maxNameLength) throw invalidTaskName(task);
}
