import { assertTask } from "../tasks/task-values.ts";
import type { Task } from "../tasks/task.ts";
import { parseDuration } from "./duration.ts";
import type { Duration } from "./duration.ts";
import type { MisfirePolicy } from "./plan-fire.ts";

export type OverlapPolicy = "allow" | "skip";

/** What somebody sets of a schedule. Exactly one of `cron`, `everyMs` and `at`. */
export type ScheduleFields = {
  /** Unique. */
  readonly name: string;
  readonly description: string | null;
  /** The name of a task; its highest known version gets the jobs. */
  readonly task: string;
  /** Read by the task's schema for each job. */
  readonly input: unknown;
  /** Five fields, or six with seconds first, or `@daily` and its like. */
  readonly cron: string | null;
  /** An IANA name, for `cron`. Default `UTC`. */
  readonly timezone: string;
  /** Counted from `startAt`, or else from its creation. At least 1000. */
  readonly everyMs: number | null;
  /** Once. */
  readonly at: Date | null;
  /** No run before. */
  readonly startAt: Date | null;
  /** No run after. */
  readonly endAt: Date | null;
  /** Each run comes up to this much later, always the same for the same time. Default 0. */
  readonly jitterMs: number;
  /** What becomes of times that nobody was there for: none, the last one, each. Default `once`. */
  readonly misfire: MisfirePolicy;
  /** With `skip`: how late the last time may be and still get its job. Default 60,000. */
  readonly graceMs: number;
  /** `skip`: no new job while a former one of this schedule is pending. Default `allow`. */
  readonly overlap: OverlapPolicy;
  /** Null, as in the next two: what the task says. */
  readonly queue: string | null;
  /** 0 to 9, 9 first. */
  readonly priority: number | null;
  /** A job that has not started after this long ends as `expired`. */
  readonly expiresInMs: number | null;
  /** For whom its jobs are done; null nobody. */
  readonly owner: string | null;
  readonly tags: readonly string[];
};

/** A schedule to make or to declare. What is left out takes its default. */
export type NewSchedule = ScheduleChanges & Pick<ScheduleFields, "name" | "task">;

/** What is left out, or undefined, stays as it is. */
export type ScheduleChanges = {
  readonly [Field in keyof ScheduleFields]?: ScheduleFields[Field] | undefined;
};

type When =
  | { readonly cron: string; readonly timezone?: string; readonly every?: never; readonly at?: never }
  | { readonly every: Duration; readonly cron?: never; readonly timezone?: never; readonly at?: never }
  | { readonly at: Date; readonly cron?: never; readonly timezone?: never; readonly every?: never };

type Options = Partial<
  Pick<
    ScheduleFields,
    "description" | "startAt" | "endAt" | "misfire" | "overlap" | "queue" | "priority" | "owner" | "tags"
  >
> & {
  readonly name: string;
  readonly jitter?: Duration;
  readonly grace?: Duration;
  readonly expiresIn?: Duration;
};

/** A schedule of a task with its input, as the compiler checks it. Durations are `"15m"` or milliseconds. */
export type ScheduleDefinition<Input = unknown> = Options &
  When & { readonly task: Pick<Task<Input>, "name" | "input">; readonly input: Input };

/**
 * Says when a task is to run. Does nothing by itself: give it to `queue.schedules.create` or `declare`, which
 * check it. Throws `invalid_duration`, and `not_a_task` for a handler.
 */
export function schedule<Input>(definition: ScheduleDefinition<Input>): NewSchedule {
  const { task, every, jitter, grace, expiresIn, ...rest } = definition;
  assertTask(task);
  return {
    ...rest,
    task: task.name,
    ...(every === undefined ? {} : { everyMs: parseDuration(every) }),
    ...(jitter === undefined ? {} : { jitterMs: parseDuration(jitter) }),
    ...(grace === undefined ? {} : { graceMs: parseDuration(grace) }),
    ...(expiresIn === undefined ? {} : { expiresInMs: parseDuration(expiresIn) }),
  };
}

const defaults = {
  description: null,
  input: {},
  cron: null,
  timezone: "UTC",
  everyMs: null,
  at: null,
  startAt: null,
  endAt: null,
  jitterMs: 0,
  misfire: "once",
  graceMs: 60_000,
  overlap: "allow",
  queue: null,
  priority: null,
  expiresInMs: null,
  owner: null,
  tags: [],
} as const;

/** With the defaults for what is left out. */
export function completeSchedule(given: NewSchedule): ScheduleFields {
  return { ...defaults, ...definedFields(given), name: given.name, task: given.task };
}

/** The fields as they are after a change; a new kind of timing takes the place of the former. */
export function changeSchedule(known: ScheduleFields, changes: ScheduleChanges): ScheduleFields {
  const given = definedFields(changes);
  const { cron = null, everyMs = null, at = null } = given;
  const isTimed = cron !== null || everyMs !== null || at !== null;
  return { ...known, ...given, ...(isTimed ? { cron, everyMs, at } : {}) };
}

function definedFields(fields: ScheduleChanges): Partial<ScheduleFields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Of what kind a timing is that was checked. */
export function kindOf({ cron, everyMs }: ScheduleChanges): "cron" | "interval" | "once" {
  if (typeof cron === "string") return "cron";
  return typeof everyMs === "number" ? "interval" : "once";
}

/** The timing of fields that were checked. `anchorMs` is where an interval counts from. */
export function timingOf(fields: ScheduleFields, anchorMs: number) {
  const bounds = { startMs: fields.startAt?.getTime() ?? null, endMs: fields.endAt?.getTime() ?? null };
  const { cron, timezone, everyMs, at } = fields;
  if (cron !== null) return { kind: "cron", cron, timezone, ...bounds } as const;
  if (everyMs !== null) return { kind: "interval", everyMs, anchorMs, ...bounds } as const;
  if (at !== null) return { kind: "once", atMs: at.getTime(), ...bounds } as const;
  throw new Error("a schedule without a time passed its check");
}
