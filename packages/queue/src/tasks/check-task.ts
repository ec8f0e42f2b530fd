import type { z } from "zod";
import { parseRedactPath } from "./redact.ts";
import { invalidTask } from "./task-errors.ts";
import type { Task } from "./task.ts";

/** `domain.verb_object` is what ours are called. One word is enough for a small program's own. */
export const taskName = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/;
/** The one form of a queue: a name of a broker's queue and of a channel is made of it. */
export const queueName = /^[a-z][a-z0-9_]{0,62}$/;
/** Room for `name@version` wherever task names are listed, and in the key of a limiter. */
export const maxNameLength = 120;
/** The longest time a timer can be set to; with a longer one it fires at once. */
const maxTimerMs = 2 ** 31 - 1;

/** Throws `invalid_task`, saying what is wrong, for a task that could not work as declared. */
export function checkTask(task: Task): void {
  const problem = findTaskProblem(task);
  if (problem !== undefined) throw invalidTask(task.name, problem);
}

/** What is wrong with a task, in words that follow its name; undefined when nothing is. */
export function findTaskProblem(task: Task): string | undefined {
  return (
    nameProblem(task) ??
    numberProblem(task) ??
    limitProblem(task) ??
    backoffProblem(task) ??
    redactProblem(task) ??
    schemaProblem(task)
  );
}

function nameProblem(task: Task): string | undefined {
  if (!taskName.test(task.name)) {
    return "the name must be small letters, digits and underscores, with dots between its parts, as documents.extract_text.";
  }
  if (task.name.length > maxNameLength) return `the name is longer than ${maxNameLength} characters.`;
  if (!queueName.test(task.queue)) {
    return `the queue ${JSON.stringify(task.queue)} must be small letters, digits and underscores, a letter first, at most 63.`;
  }
  return undefined;
}

function numberProblem(task: Task): string | undefined {
  const { priority, retries, version, softLimitMs, hardLimitMs } = task;
  if (!isWhole(version, 1)) return "version must be a whole number from 1.";
  if (!isWhole(priority, 0) || priority > 9)
    return "priority must be a whole number from 0 to 9; 9 goes first.";
  if (!isWhole(retries, 0) || retries > 1000) return "retries must be a whole number from 0 to 1000.";
  if (!isPositive(softLimitMs)) return "softLimitMs must be above 0.";
  if (!isPositive(hardLimitMs)) return "hardLimitMs must be above 0.";
  if (hardLimitMs < softLimitMs) {
    return `hardLimitMs (${hardLimitMs}) is under softLimitMs (${softLimitMs}): the handler would never hear of the soft one.`;
  }
  if (hardLimitMs > maxTimerMs) return `hardLimitMs must be at most ${maxTimerMs}, about 24 days.`;
  if (task.expiresInMs !== undefined && !isPositive(task.expiresInMs)) return "expiresInMs must be above 0.";
  if (!isWhole(task.maxOutputBytes, 1)) return "maxOutputBytes must be a whole number from 1.";
  for (const days of Object.values(task.retention ?? {})) {
    if (!(days >= 0 && days <= 36_500)) return "retention must be days from 0 to 36500.";
  }
  const megabytes = task.isolation?.memoryMegabytes;
  // Node itself needs about this much before it has run a line of the handler.
  if (megabytes !== undefined && !isWhole(megabytes, 64)) {
    return "isolation.memoryMegabytes must be a whole number from 64.";
  }
  return undefined;
}

function limitProblem(task: Task): string | undefined {
  const { concurrency, keyConcurrency, keyRateLimit } = task;
  if (concurrency !== undefined && !isWhole(concurrency, 1))
    return "concurrency must be a whole number from 1.";
  if (keyConcurrency !== undefined && !isWhole(keyConcurrency, 1)) {
    return "keyConcurrency must be a whole number from 1.";
  }
  const hasKeyLimit = keyConcurrency !== undefined || keyRateLimit !== undefined;
  if (hasKeyLimit && task.limitKey === undefined) {
    return "a limit per key needs limitKey, which says what the key of an input is.";
  }
  return undefined;
}

function backoffProblem({ backoff }: Task): string | undefined {
  const { firstSeconds, factor, capSeconds, jitter } = backoff;
  if (!(firstSeconds >= 0) || !Number.isFinite(firstSeconds))
    return "backoff.firstSeconds must be 0 or more.";
  if (!(factor >= 1) || !Number.isFinite(factor)) return "backoff.factor must be 1 or more.";
  if (!(capSeconds >= 0) || capSeconds > 31_536_000)
    return "backoff.capSeconds must be from 0 to 31536000, a year.";
  if (jitter !== "full" && jitter !== "none") return 'backoff.jitter must be "full" or "none".';
  return undefined;
}

function redactProblem({ redact }: Task): string | undefined {
  const wrong = redact.find((path) => parseRedactPath(path) === undefined);
  if (wrong === undefined) return undefined;
  return `${JSON.stringify(wrong)} in redact is no path: write password, card.number, items[*].token or headers["x.key"].`;
}

/** Nothing is stored as null: a schema that takes only undefined would refuse what it wrote. */
function schemaProblem(task: Task): string | undefined {
  for (const name of ["input", "output"] as const) {
    if (losesUndefined(task[name])) {
      return `${name} may be undefined, which JSON can't say. Use z.null(), z.object({}) or .nullable() instead.`;
    }
  }
  return undefined;
}

function losesUndefined(schema: z.ZodType): boolean {
  try {
    const parsed = schema.safeParse(undefined);
    return parsed.success && parsed.data === undefined && !schema.safeParse(null).success;
  } catch {
    // A check of the schema's own that can't stand undefined. It speaks up when a job comes.
    return false;
  }
}

function isWhole(value: number, min: number): boolean {
  return Number.isSafeInteger(value) && value >= min;
}

function isPositive(value: number): boolean {
  return Number.isFinite(value) && value > 0;
}
