import { MillraceError } from "@millrace/kernel";

/** A declaration that can't work. Thrown where the task is defined: boot must not go on. */
export function invalidTask(name: string, problem: string): MillraceError {
  return new MillraceError({
    code: "invalid_task",
    kind: "invalid",
    message: `Task ${JSON.stringify(name)}: ${problem}`,
    details: { task: name },
  });
}

export function invalidRateLimit(given: unknown, problem: string): MillraceError {
  return new MillraceError({
    code: "invalid_rate_limit",
    kind: "invalid",
    message: `${JSON.stringify(given)} is not a rate limit: ${problem} Write a count and a time, as "10/s", "10/m" or "10/h".`,
    details: { given },
  });
}

/** Tried again by default: what a model answered may be in order the next time. */
export function invalidOutput(task: string, cause: unknown): MillraceError {
  return new MillraceError({
    code: "invalid_job_output",
    kind: "internal",
    message: `What task ${task} returned does not fit its output schema, or is not JSON.`,
    retryable: true,
    cause,
  });
}

export function resultTooLarge(task: string, bytes: number, maxBytes: number): MillraceError {
  return new MillraceError({
    code: "result_too_large",
    kind: "too_large",
    message: `The result has ${bytes} bytes of JSON; task ${task} allows ${maxBytes}. Store it elsewhere and return its id, or raise maxOutputBytes.`,
    details: { bytes, maxBytes },
  });
}

export function missingHandlers(tasks: readonly string[]): MillraceError {
  return new MillraceError({
    code: "missing_handler",
    kind: "internal",
    message: `No handler for ${tasks.join(", ")}. Jobs of a task without a handler would wait for ever: register one for each.`,
    details: { tasks },
  });
}

export function doubledHandler(task: string): MillraceError {
  return new MillraceError({
    code: "doubled_handler",
    kind: "internal",
    message: `Two handlers for ${task}. Only one may run its jobs: remove the other, or give it another version.`,
    details: { task },
  });
}
