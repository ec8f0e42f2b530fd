import { MillraceError } from "@millrace/kernel";

export function invalidQueueName(queue: string): MillraceError {
  return new MillraceError({
    code: "invalid_queue_name",
    kind: "invalid",
    message: `${JSON.stringify(queue)} can't be a queue. Its name is small letters, digits and underscores, a letter first, at most 63; * means all queues.`,
    details: { queue },
  });
}

export function invalidTaskName(task: string): MillraceError {
  return new MillraceError({
    code: "invalid_task_name",
    kind: "invalid",
    message: `${JSON.stringify(task)} can't be a task. A name is small letters, digits and underscores, with dots between its parts, as documents.extract_text.`,
    details: { task },
  });
}

export function pauseIsOver(queue: string, until: Date): MillraceError {
  return new MillraceError({
    code: "pause_is_over",
    kind: "invalid",
    message: `A pause until ${until.toISOString()} is over already. Give a later time, or none to pause until somebody resumes it.`,
    details: { queue, until: until.toISOString() },
  });
}

/** `field` as the caller knows it. */
export function invalidLimit(field: string, value: number, problem: string): MillraceError {
  return new MillraceError({
    code: "invalid_limit",
    kind: "invalid",
    message: `${field} can't be ${value}: ${problem}`,
    details: { field, value },
  });
}

export function purgeCountMismatch(queue: string, expected: number, count: number): MillraceError {
  return new MillraceError({
    code: "purge_count_mismatch",
    kind: "conflict",
    message: `${count} jobs would be cancelled, not ${expected}. Nothing was done: look at the queue again, and repeat with the new number.`,
    details: { queue, expected, count },
  });
}

export function jobNotRunning(id: string, state: string): MillraceError {
  return new MillraceError({
    code: "job_not_running",
    kind: "conflict",
    message: `Only a running job can be taken from its worker; this one is ${state}.`,
    details: { id, state },
  });
}

export function workerNotFound(worker: string): MillraceError {
  return new MillraceError({
    code: "worker_not_found",
    kind: "not_found",
    message: `No live worker has the id or the name ${JSON.stringify(worker)}. List the workers to see which there are.`,
    details: { worker },
  });
}

export function workerIsLive(worker: string): MillraceError {
  return new MillraceError({
    code: "worker_is_live",
    kind: "conflict",
    message: `The worker ${JSON.stringify(worker)} is alive. Stop it first; only one that is gone can be forgotten.`,
    details: { worker },
  });
}

export function queueNotFound(queue: string): MillraceError {
  return new MillraceError({
    code: "queue_not_found",
    kind: "not_found",
    message: `No queue ${JSON.stringify(queue)} has jobs, settings or a worker. List the queues to see which there are.`,
    details: { queue },
  });
}

/** A purge is of one queue: its count is what protects the others. */
export function purgeNeedsQueue(): MillraceError {
  return new MillraceError({
    code: "purge_needs_queue",
    kind: "invalid",
    message:
      "Name one queue to purge; * can't be purged at once. To cancel by other marks, cancel jobs by a filter.",
  });
}
