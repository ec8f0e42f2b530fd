import { z } from "zod";
import { defineTask } from "../../src/index.ts";

/*
 * Tasks, times and names of the model test. Times are multiples of five minutes, jumps of the clock of ten,
 * and what is kept is kept three minutes longer: so no two moments that are compared ever come closer than
 * two minutes, and the seconds that a run takes on a busy machine change nothing.
 */

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

export const durations = {
  /** The jump of the clock after which every lease has run out that was not beaten. */
  tickMs: 10 * minuteMs,
  leaseMs: 5 * minuteMs,
  shortMs: 5 * minuteMs,
  longMs: 15 * minuteMs,
  eventsKeptMs: dayMs + 3 * minuteMs,
  successKeptMs: 2 * dayMs + 3 * minuteMs,
  otherEndKeptMs: 4 * dayMs + 3 * minuteMs,
  /** How far a time in the database may be from the model's. */
  toleranceMs: minuteMs,
} as const;

/** What questions may be answered with, and their keys. */
export const answers = ["yes", "no"] as const;
export const questionKeys = ["first", "second"] as const;

const shared = {
  input: z.object({ value: z.number(), key: z.string() }),
  output: z.unknown(),
  retention: {
    succeededDays: durations.successKeptMs / dayMs,
    otherEndsDays: durations.otherEndKeptMs / dayMs,
  },
};

/** What the model knows of a task. */
export type TaskFacts = {
  readonly queue: string;
  readonly retries: number;
  /** Only one with the same key in its input may be pending. */
  readonly isUnique: boolean;
  /** Its events go to a stream that several jobs share, and its hook writes the last one. */
  readonly sharesStream: boolean;
  /** At once: of the task, and of each key in its input. */
  readonly concurrency?: number;
  readonly keyConcurrency?: number;
  /** Starts: so many at first, and one more with each tick. */
  readonly burst?: number;
};

const simple = { queue: "alpha", retries: 1, isUnique: false, sharesStream: false };

/** The limited ones have a queue of their own, which is claimed in another way. */
export const limitedQueue = "gamma";

export const tasks: Readonly<Record<TaskName, TaskFacts>> = {
  "model.plain": simple,
  "model.unique": { ...simple, retries: 0, isUnique: true },
  "model.hooked": { ...simple, queue: "beta", sharesStream: true },
  "model.keyed": { ...simple, queue: limitedQueue, concurrency: 2, keyConcurrency: 1 },
  "model.rated": { ...simple, queue: limitedQueue, burst: 2 },
};

export const taskNames = [
  "model.plain",
  "model.unique",
  "model.hooked",
  "model.keyed",
  "model.rated",
] as const;

export type TaskName = (typeof taskNames)[number];

const keyOf = ({ key }: z.infer<typeof shared.input>): string => key;

export const definitions = {
  "model.plain": defineTask({ ...shared, name: "model.plain", queue: "alpha", retries: 1 }),
  "model.unique": defineTask({ ...shared, name: "model.unique", queue: "alpha", retries: 0, unique: keyOf }),
  "model.hooked": defineTask({ ...shared, name: "model.hooked", queue: "beta", retries: 1 }),
  "model.keyed": defineTask({
    ...shared,
    name: "model.keyed",
    queue: limitedQueue,
    retries: 1,
    concurrency: 2,
    keyConcurrency: 1,
    limitKey: keyOf,
  }),
  "model.rated": defineTask({
    ...shared,
    name: "model.rated",
    queue: limitedQueue,
    retries: 1,
    // One in each tick.
    rateLimit: { limit: "6/h", burst: 2 },
  }),
};

/** The last knows only one of the tasks, like a worker of an older version. */
export const workers: readonly {
  readonly id: string;
  readonly name: string;
  readonly tasks: readonly TaskName[];
}[] = [
  { id: "0190a000-0000-7000-9000-000000000001", name: "w0", tasks: taskNames },
  { id: "0190a000-0000-7000-9000-000000000002", name: "w1", tasks: taskNames },
  { id: "0190a000-0000-7000-9000-000000000003", name: "w2", tasks: ["model.plain"] },
];

/** Ids in the order of their numbers, so that a run is the same each time. */
export function jobId(number: number): string {
  return `0190a000-0000-7000-8000-${number.toString(16).padStart(12, "0")}`;
}

/** For people: `job 3`. */
export function nameOf(id: string): string {
  return `job ${Number.parseInt(id.slice(-12), 16)}`;
}
