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

/** Mostly what `handleTask` made: the compiler says so too, but nothing compiles before it runs. */
export function notATask(): MillraceError {
  return new MillraceError({
    code: "not_a_task",
    kind: "invalid",
    message:
      "This is not a task. Give what defineTask made, and not the handler that handleTask made of it: export both, each by a name of its own.",
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

/** Tried again by default: a model that left one answer out may give all the next time. */
export function invalidBatchResult(task: string): MillraceError {
  return new MillraceError({
    code: "invalid_batch_result",
    kind: "internal",
    message: `The batch handler of ${task} must give one outcome for each job, in the same order; it gave another number, or something else.`,
    retryable: true,
  });
}

export function noInlineDatabase(): MillraceError {
  return new MillraceError({
    code: "inline_without_database",
    kind: "invalid",
    message:
      "The handler opened a transaction, and runInline was given no database. Give it one: runInline(handler, input, { transaction: (work) => queue.transaction(work) }).",
  });
}

export function unknownOverrides(patterns: readonly string[], names: readonly string[]): MillraceError {
  return new MillraceError({
    code: "unknown_task_override",
    kind: "invalid",
    message: `The settings override ${patterns.join(", ")}, which is no task here. Correct the name; known tasks: ${names.toSorted().join(", ")}.`,
    details: { patterns },
  });
}
