import { isMillraceError } from "@millrace/kernel";
import { z } from "zod";
import { findTaskProblem } from "./check-task.ts";
import { parseRateLimit } from "./rate-limit.ts";
import { invalidTask } from "./task-errors.ts";
import type { Task } from "./task.ts";

const rateLimit = z
  .union([z.string(), z.strictObject({ limit: z.string(), burst: z.number().optional() })])
  .transform((given, context) => {
    try {
      const { limit, burst } = typeof given === "string" ? { limit: given } : given;
      return parseRateLimit(burst === undefined ? limit : { limit, burst });
    } catch (error) {
      if (!isMillraceError(error)) throw error;
      context.addIssue({ code: "custom", message: error.message });
      return z.NEVER;
    }
  });

/** What settings may change of a task, named as in `defineTask`. Null takes a limit away. */
const taskOverride = z.strictObject({
  queue: z.string().optional(),
  priority: z.number().optional(),
  retries: z.number().optional(),
  backoff: z
    .strictObject({
      firstSeconds: z.number().optional(),
      factor: z.number().optional(),
      capSeconds: z.number().optional(),
      jitter: z.enum(["full", "none"]).optional(),
    })
    .optional(),
  softLimitMs: z.number().optional(),
  hardLimitMs: z.number().optional(),
  rateLimit: rateLimit.nullable().optional(),
  keyRateLimit: rateLimit.nullable().optional(),
  concurrency: z.number().nullable().optional(),
  keyConcurrency: z.number().nullable().optional(),
  expiresInMs: z.number().nullable().optional(),
  retention: z
    .strictObject({ succeededDays: z.number().optional(), otherEndsDays: z.number().optional() })
    .optional(),
  showErrors: z.boolean().optional(),
});

const pattern = z
  .string()
  .regex(/^[a-z0-9_.*]+$/, 'must be the name of a task, or a pattern as "documents.*" or "*".');

/**
 * Overrides by the name of a task or a pattern, as settings give them in JSON:
 * `{"documents.*": {"queue": "slow"}, "documents.process_document": {"rateLimit": "10/m"}}`.
 */
export const taskOverrides = z.record(pattern, taskOverride);

export type TaskOverride = Readonly<z.output<typeof taskOverride>>;
export type TaskOverrides = Readonly<Record<string, TaskOverride>>;

/**
 * The task as settings want it. All patterns that match are applied, field by field, the general
 * before the special: the fewer characters besides stars, the more general; the exact name comes
 * last; of two alike, the later one wins. Throws `invalid_task` when what comes out could not work.
 */
export function applyOverrides<Input, Output>(
  task: Task<Input, Output>,
  overrides: TaskOverrides,
): Task<Input, Output> {
  const matching = Object.entries(overrides)
    .filter(([pattern]) => matchesTask(pattern, task.name))
    .toSorted(([a], [b]) => specificity(a) - specificity(b));
  if (matching.length === 0) return task;
  const overridden = matching.reduce((changed, [, override]) => merge(changed, override), task);
  const problem = findTaskProblem(overridden);
  if (problem === undefined) return overridden;
  const patterns = matching.map(([pattern]) => JSON.stringify(pattern)).join(", ");
  throw invalidTask(task.name, `with the overrides of ${patterns}, ${problem}`);
}

/** Whether a pattern covers a task. A star stands for any characters, dots included. */
export function matchesTask(pattern: string, name: string): boolean {
  const parts = pattern.split("*").map((part) => RegExp.escape(part));
  return new RegExp(`^${parts.join(".*")}$`).test(name);
}

/** Whether a pattern names one task. */
export function isTaskName(pattern: string): boolean {
  return !pattern.includes("*");
}

function specificity(pattern: string): number {
  return isTaskName(pattern) ? Infinity : pattern.replaceAll("*", "").length;
}

function merge<Input, Output>(task: Task<Input, Output>, override: TaskOverride): Task<Input, Output> {
  const { backoff, retention } = override;
  return {
    ...task,
    queue: override.queue ?? task.queue,
    priority: override.priority ?? task.priority,
    retries: override.retries ?? task.retries,
    backoff: {
      firstSeconds: backoff?.firstSeconds ?? task.backoff.firstSeconds,
      factor: backoff?.factor ?? task.backoff.factor,
      capSeconds: backoff?.capSeconds ?? task.backoff.capSeconds,
      jitter: backoff?.jitter ?? task.backoff.jitter,
    },
    softLimitMs: override.softLimitMs ?? task.softLimitMs,
    hardLimitMs: override.hardLimitMs ?? task.hardLimitMs,
    rateLimit: removable(override.rateLimit, task.rateLimit),
    keyRateLimit: removable(override.keyRateLimit, task.keyRateLimit),
    concurrency: removable(override.concurrency, task.concurrency),
    keyConcurrency: removable(override.keyConcurrency, task.keyConcurrency),
    expiresInMs: removable(override.expiresInMs, task.expiresInMs),
    retention: { ...task.retention, ...definedParts(retention) },
    showErrors: override.showErrors ?? task.showErrors,
  };
}

/** Null takes a limit away; undefined leaves what the task says. */
function removable<Value>(
  override: Value | null | undefined,
  declared: Value | undefined,
): Value | undefined {
  return override === undefined ? declared : (override ?? undefined);
}

function definedParts(retention: TaskOverride["retention"]): NonNullable<Task["retention"]> {
  const { succeededDays, otherEndsDays } = retention ?? {};
  return {
    ...(succeededDays === undefined ? {} : { succeededDays }),
    ...(otherEndsDays === undefined ? {} : { otherEndsDays }),
  };
}
