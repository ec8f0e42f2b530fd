import type { Task as TaskView, TaskLimitsView } from "@millrace/contracts";
import { taskLimitNames } from "@millrace/contracts";
import type { Queue, RateLimit, Task } from "@millrace/queue";
import { z } from "zod";
import { keyOf } from "../config/find-tasks.ts";

/** What people have set for a task, over what it declares. */
type Controls = Awaited<ReturnType<Queue["control"]["listTaskLimits"]>>;

/** A task as the API shows it. */
export function toTaskView(
  task: Task,
  options: { readonly controls: Controls; readonly programTasks: ReadonlySet<string> },
): TaskView {
  const { name, version, backoff, isolation } = task;
  const declared = limitsOf(task);
  const set = setLimits(options.controls.get(name));
  const self = `/api/tasks/${encodeURIComponent(name)}`;
  return {
    name,
    version,
    description: task.description ?? null,
    source: options.programTasks.has(keyOf(task)) ? "program" : "product",
    queue: task.queue,
    priority: task.priority,
    retries: task.retries,
    backoff: {
      first_seconds: backoff.firstSeconds,
      factor: backoff.factor,
      cap_seconds: backoff.capSeconds,
      jitter: backoff.jitter,
    },
    soft_limit_ms: task.softLimitMs,
    hard_limit_ms: task.hardLimitMs,
    expires_in_ms: task.expiresInMs ?? null,
    max_output_bytes: task.maxOutputBytes,
    isolation: isolation === undefined ? null : { memory_megabytes: isolation.memoryMegabytes ?? null },
    limits: { ...declared, ...set },
    declared_limits: declared,
    live_limits: taskLimitNames.filter((limit) => limit in set),
    input: jsonSchema(task.input, "input"),
    output: jsonSchema(task.output, "output"),
    links: { self, enqueue: `${self}/jobs`, jobs: `/api/jobs?task=${encodeURIComponent(name)}` },
  };
}

function limitsOf(task: Task): TaskLimitsView {
  return {
    rate_limit: task.rateLimit === undefined ? null : rateView(task.rateLimit),
    key_rate_limit: task.keyRateLimit === undefined ? null : rateView(task.keyRateLimit),
    concurrency: task.concurrency ?? null,
    key_concurrency: task.keyConcurrency ?? null,
  };
}

/** Only those that somebody has set; `none` takes away what the task declares. */
function setLimits(control: ReturnType<Controls["get"]>): Partial<TaskLimitsView> {
  const { rateLimit, keyRateLimit, concurrency, keyConcurrency } = control ?? {};
  const rate = (limit: RateLimit | "none") => (limit === "none" ? null : rateView(limit));
  const count = (limit: number | "none") => (limit === "none" ? null : limit);
  return {
    ...(rateLimit === undefined ? {} : { rate_limit: rate(rateLimit) }),
    ...(keyRateLimit === undefined ? {} : { key_rate_limit: rate(keyRateLimit) }),
    ...(concurrency === undefined ? {} : { concurrency: count(concurrency) }),
    ...(keyConcurrency === undefined ? {} : { key_concurrency: count(keyConcurrency) }),
  };
}

const units = [
  ["s", 1],
  ["m", 60],
  ["h", 3600],
] as const;

/** In the smallest unit that makes it a whole number, as people would write it: `10/m` and not `0.1667/s`. */
export function rateView({ perSecond, burst }: RateLimit): { limit: string; burst: number } {
  for (const [unit, seconds] of units) {
    const count = Number((perSecond * seconds).toFixed(6));
    if (Number.isInteger(count)) return { limit: `${count}/${unit}`, burst };
  }
  return { limit: `${Number((perSecond * 3600).toFixed(6))}/h`, burst };
}

/** Null where the schema is of a kind that JSON Schema has no word for at all, or of another zod. */
function jsonSchema(schema: z.ZodType, io: "input" | "output"): Record<string, unknown> | null {
  try {
    return { ...z.toJSONSchema(schema, { io, unrepresentable: "any" }) };
  } catch {
    // Nobody is helped by an error here: the task works, its schema just can't be shown.
    return null;
  }
}
