import { invalidQueueName, invalidTaskName } from "./control-errors.ts";

/** Stands for all queues together where one may be named. */
export const allQueues = "*";

/** As `queue_control` checks it, so that a wrong name is an answer and not a failure. */
const queueName = /^[a-z][a-z0-9_]{0,62}$/;
const taskName = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/;
const maxTaskNameLength = 120;

/** Throws `invalid_queue_name`. Whether the queue has jobs or workers is not asked: they may come. */
export function assertQueueName(queue: string): void {
  if (queue !== allQueues && !queueName.test(queue)) throw invalidQueueName(queue);
}

/** Throws `invalid_task_name`. */
export function assertTaskName(task: string): void {
  if (!taskName.test(task) || task.length > maxTaskNameLength) throw invalidTaskName(task);
}
