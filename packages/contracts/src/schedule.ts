import { z } from "zod";
import { idSchema, momentSchema, pageQuerySchema } from "./common.ts";
import { jobErrorSchema, jobStateSchema } from "./job.ts";

/** What becomes of times that nobody was there for: none of them, the last one, each of them. */
export const misfirePolicies = ["skip", "once", "all"] as const;
export const overlapPolicies = ["allow", "skip"] as const;
export const scheduleKinds = ["cron", "interval", "once"] as const;
export const scheduleStates = ["active", "paused", "ended"] as const;
/** `program`: declared in the configuration. `person`: made while it runs. `product`: Millrace's own upkeep. */
export const scheduleSources = ["program", "person", "product"] as const;

const daySeconds = 86_400;
/** A century: nobody plans further. */
const maxSeconds = 100 * 365 * daySeconds;

const name = z
  .string()
  .min(1)
  .max(120)
  // What would not be seen, or would be taken for an id.
  .regex(
    /^[^\s\p{C}](?:[^\p{C}]*[^\s\p{C}])?$/u,
    "must not begin or end with a space or contain control characters",
  )
  .refine((text) => !idSchema.safeParse(text).success, "must not look like an id");

/** When: exactly one of `cron`, `every_seconds` and `at`. */
const timingFields = {
  /** Five fields, or six with seconds first: `30 2 * * 1-5`, `@daily`. */
  cron: z.string().max(200).nullable(),
  /** An IANA name, as `Europe/Berlin`; for `cron`. Default UTC. */
  timezone: z.string().min(1).max(100),
  /** From the anchor on, which is `start_at` or the moment of creation. At least 1; whole milliseconds. */
  every_seconds: z.number().min(1).max(maxSeconds).nullable(),
  /** Once. */
  at: momentSchema.nullable(),
  /** No run before. */
  start_at: momentSchema.nullable(),
  /** No run after. */
  end_at: momentSchema.nullable(),
};

/** What a person may set of a schedule. */
const scheduleFields = {
  ...timingFields,
  name,
  description: z.string().max(2_000).nullable(),
  task: z.string().min(1).max(120),
  /** Must fit the task's schema. */
  input: z.unknown(),
  /** Null, as in the next two: what the task says. */
  queue: z.string().max(63).nullable(),
  /** 0 to 9, 9 first. */
  priority: z.int().min(0).max(9).nullable(),
  /** A job that has not started after this long ends as `expired`. */
  expires_seconds: z.number().positive().max(maxSeconds).nullable(),
  tags: z.array(z.string().min(1).max(100)).max(50),
  /** Each run comes up to this much later, always the same for the same time. Default 0. */
  jitter_seconds: z.number().min(0).max(daySeconds),
  misfire: z.enum(misfirePolicies),
  /** With `skip`: how late the last time may be and still get its job. Default 60. */
  grace_seconds: z.number().min(0).max(maxSeconds),
  /** `skip`: no new job while the former one of this schedule is pending. Default `allow`. */
  overlap: z.enum(overlapPolicies),
};

const fields = z.strictObject(scheduleFields);

/** `PATCH /api/schedules/{id}`: what is left out stays. A new timing replaces the former kind of it. */
export const updateScheduleSchema = fields.partial().meta({ id: "UpdateSchedule" });
export type UpdateSchedule = z.infer<typeof updateScheduleSchema>;

/** `POST /api/schedules` */
export const createScheduleSchema = fields
  .partial()
  .required({ name: true, task: true })
  .meta({ id: "CreateSchedule" });
export type CreateSchedule = z.infer<typeof createScheduleSchema>;

export const scheduleSchema = fields
  .extend({
    id: idSchema,
    name: z.string(),
    kind: z.enum(scheduleKinds),
    source: z.enum(scheduleSources),
    state: z.enum(scheduleStates),
    paused: z.object({ at: momentSchema, by: z.string(), reason: z.string().nullable() }).nullable(),
    /** The next time it stands for; null when there is none any more. It stays where it was while paused. */
    next_at: momentSchema.nullable(),
    /** When that one comes: `next_at` and its jitter. */
    due_at: momentSchema.nullable(),
    /** The last time for which there was a job, run now included. */
    last_at: momentSchema.nullable(),
    last_job_id: idSchema.nullable(),
    /** Null when there was no job, or it is cleared away. */
    last_job_state: jobStateSchema.nullable(),
    /** Why the last due time got no job, such as an input that fits its task no more. */
    last_error: jobErrorSchema.nullable(),
    total_runs: z.int(),
    /** Times that passed without a job because of `misfire` or `overlap`. */
    total_missed: z.int(),
    /** Of a declared one: somebody has changed it since. */
    is_edited: z.boolean(),
    created_at: momentSchema,
    created_by: z.string(),
    updated_at: momentSchema,
    updated_by: z.string(),
    links: z.object({
      self: z.string(),
      runs: z.string(),
      pause: z.string(),
      resume: z.string(),
      run: z.string(),
    }),
  })
  .meta({ id: "Schedule" });
export type Schedule = z.infer<typeof scheduleSchema>;

/** What became of one time. `overlap`: the former job was pending. `refused`: its job could not be made. */
export const runOutcomes = ["enqueued", "missed", "overlap", "refused"] as const;

export const scheduleRunSchema = z
  .object({
    id: idSchema,
    scheduled_for: momentSchema,
    fired_at: momentSchema,
    outcome: z.enum(runOutcomes),
    /** Somebody asked for it; it took no time's place. */
    is_manual: z.boolean(),
    /** Earlier times that passed without a job, at most a thousand told. */
    missed: z.int(),
    /** Who, when somebody asked for it. */
    by: z.string().nullable(),
    job_id: idSchema.nullable(),
    /** Null when there is no job, or no more. */
    job_state: jobStateSchema.nullable(),
    error: jobErrorSchema.nullable(),
  })
  .meta({ id: "ScheduleRun" });
export type ScheduleRun = z.infer<typeof scheduleRunSchema>;

/** `GET /api/schedules/{id}` */
export const scheduleDetailSchema = scheduleSchema
  .extend({
    /** The next ten, without jitter; as it would go on from now when paused. */
    next_runs: z.array(momentSchema),
    /** The last ten, newest first. */
    last_runs: z.array(scheduleRunSchema),
  })
  .meta({ id: "ScheduleDetail" });
export type ScheduleDetail = z.infer<typeof scheduleDetailSchema>;

export const scheduleListQuerySchema = pageQuerySchema.extend({
  task: z.string().max(200).optional(),
  state: z.enum(scheduleStates).optional(),
  source: z.enum(scheduleSources).optional(),
});

/** `POST /api/schedules/{id}/pause` */
export const pauseScheduleSchema = z.strictObject({ reason: z.string().max(500).nullable().optional() });

/** `POST /api/schedules/preview`: when would it run? */
export const previewScheduleSchema = z.strictObject(timingFields).partial();
export const schedulePreviewSchema = z
  .object({ kind: z.enum(scheduleKinds), next_runs: z.array(momentSchema) })
  .meta({ id: "SchedulePreview" });
export type SchedulePreview = z.infer<typeof schedulePreviewSchema>;
