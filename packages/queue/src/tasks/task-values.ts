import { jsonText } from "@millrace/database";
import { isMillraceError } from "@millrace/kernel";
import { invalidInput } from "../errors.ts";
import { invalidOutput, notATask, resultTooLarge } from "./task-errors.ts";
import type { Task } from "./task.ts";

/** Throws `not_a_task`. */
export function assertTask(task: Partial<Pick<Task, "name" | "input">>): void {
  if (task.name === undefined || task.input === undefined) throw notATask();
}

/**
 * A job's input as its task's schema reads it. Throws `not_a_task`, and `invalid_job_input`: trying again
 * would not help.
 */
export function parseInput<Input>(task: Task<Input>, value: unknown): Input {
  assertTask(task);
  const parsed = task.input.safeParse(value);
  if (!parsed.success) throw invalidInput(task.name, parsed.error);
  return parsed.data;
}

/** A job's output as its task's schema reads it. Throws `invalid_job_output`. */
export function parseOutput<Input, Output>(task: Task<Input, Output>, value: unknown): Output {
  const parsed = task.output.safeParse(value);
  if (!parsed.success) throw invalidOutput(task.name, parsed.error);
  return parsed.data;
}

/**
 * What a handler returned, if it can be kept: it fits the schema, it can be written as JSON, and it
 * is not too large. Throws `invalid_job_output`, `json_too_deep` or `result_too_large`.
 */
export function acceptOutput<Input, Output>(task: Task<Input, Output>, value: unknown): Output {
  const output = parseOutput(task, value);
  const bytes = jsonBytes(task, output);
  if (bytes > task.maxOutputBytes) throw resultTooLarge(task.name, bytes, task.maxOutputBytes);
  return output;
}

function jsonBytes(task: Task, output: unknown): number {
  try {
    return Buffer.byteLength(jsonText(output));
  } catch (error) {
    if (isMillraceError(error)) throw error;
    // A circle, or a BigInt.
    throw invalidOutput(task.name, error);
  }
}
