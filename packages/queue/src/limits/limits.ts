import type { NoLimit, TaskControl } from "../control/task-limits.ts";
import type { RateLimit } from "../tasks/rate-limit.ts";
import type { Task } from "../tasks/task.ts";

/** What a task may use over all workers. What is left out has no limit. */
export type Limits = Pick<Task, "rateLimit" | "keyRateLimit" | "concurrency" | "keyConcurrency">;

/**
 * The limits of a task as they are now. Undefined for a task that this process does not know: its jobs
 * are neither claimed nor let go.
 */
export type LimitsOf = (task: string) => Limits | undefined;

/** One limit in use, with a row in the table of that name: of a task, or of one of its keys. */
export type Limiter = {
  /** `task:<name>` or `key:<name>:<key>` */
  readonly key: string;
  readonly task: string;
  readonly limitKey: string | null;
  /** The one that jobs have to pass after it: the task's after the key's. */
  readonly wider: string | null;
  readonly rateLimit: RateLimit | undefined;
  readonly concurrency: number | undefined;
};

/** Whether jobs of the task may have to wait for a limit. */
export function hasLimits(limits: Limits | undefined): boolean {
  return (
    limits?.rateLimit !== undefined ||
    limits?.keyRateLimit !== undefined ||
    limits?.concurrency !== undefined ||
    limits?.keyConcurrency !== undefined
  );
}

/**
 * What a job has to pass, the narrow first: a job that both hold back waits for its key, and the line of
 * the task holds only jobs that could run, no more of a key than it has room for.
 */
export function limitersOf(job: { task: string; limit_key: string | null }, limitsOf: LimitsOf): Limiter[] {
  const limits = limitsOf(job.task);
  if (limits === undefined) return [];
  const { task, limit_key: limitKey } = job;
  const limiters: Limiter[] = [];
  const ofTask = limits.rateLimit === undefined && limits.concurrency === undefined ? null : `task:${task}`;
  if (limitKey !== null && (limits.keyRateLimit !== undefined || limits.keyConcurrency !== undefined)) {
    const key = `key:${task}:${limitKey}`;
    limiters.push({
      key,
      task,
      limitKey,
      wider: ofTask,
      rateLimit: limits.keyRateLimit,
      concurrency: limits.keyConcurrency,
    });
  }
  if (ofTask !== null) {
    const { rateLimit, concurrency } = limits;
    limiters.push({ key: ofTask, task, limitKey: null, wider: null, rateLimit, concurrency });
  }
  return limiters;
}

/** The limiter of a key as it is now; undefined when there is no such limit or the task is not known. */
export function limiterOf(key: string, limitsOf: LimitsOf): Limiter | undefined {
  return limitersOf(jobOfKey(key), limitsOf).find((limiter) => limiter.key === key);
}

/** The task that a limiter's key speaks of. Names of tasks have no colon. */
export function taskOfKey(key: string): string {
  return jobOfKey(key).task;
}

function jobOfKey(key: string): { task: string; limit_key: string | null } {
  const [scope, task = ""] = key.split(":", 2);
  const limitKey = scope === "key" ? key.slice(`key:${task}:`.length) : null;
  return { task, limit_key: limitKey };
}

/**
 * The limits that hold: what people set while the queue runs goes before what the program and its
 * settings say. A rate that was set keeps the burst that the task declares, for it can't say one.
 */
export function effectiveLimits(declared: Limits, control: TaskControl | undefined): Limits {
  return {
    rateLimit: effectiveRate(declared.rateLimit, control?.rateLimit),
    keyRateLimit: effectiveRate(declared.keyRateLimit, control?.keyRateLimit),
    concurrency: effectiveCount(declared.concurrency, control?.concurrency),
    keyConcurrency: effectiveCount(declared.keyConcurrency, control?.keyConcurrency),
  };
}

function effectiveCount(declared: number | undefined, set: number | NoLimit | undefined): number | undefined {
  return set === "none" ? undefined : (set ?? declared);
}

function effectiveRate(
  declared: RateLimit | undefined,
  set: RateLimit | NoLimit | undefined,
): RateLimit | undefined {
  if (set === "none") return undefined;
  if (set === undefined) return declared;
  return { ...set, burst: declared?.burst ?? set.burst };
}
