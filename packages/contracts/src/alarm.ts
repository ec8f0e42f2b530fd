import { z } from "zod";
import { idSchema, momentSchema, pageQuerySchema } from "./common.ts";

/** What can be wrong with queues, workers, the database and budgets. `docs/alarms.md` says what to do. */
export const alarmKinds = [
  "queue_without_worker",
  "worker_idle",
  "queue_depth",
  "oldest_wait",
  "queue_paused",
  "failure_rate",
  "task_failure_rate",
  "failed_jobs",
  "job_crashed_worker",
  "unknown_task",
  "worker_memory",
  "database_slow",
  "old_snapshot",
  "clock_jump",
  "budget_near",
  "budget_exceeded",
  "webhook_gone",
] as const;
export const alarmKindSchema = z.enum(alarmKinds);
export type AlarmKind = z.infer<typeof alarmKindSchema>;

/** `critical`: work stands still or is lost. `warning`: somebody should look today. */
export const alarmSeveritySchema = z.enum(["warning", "critical"]);
export type AlarmSeverity = z.infer<typeof alarmSeveritySchema>;

export const alarmSchema = z
  .object({
    id: idSchema,
    kind: alarmKindSchema,
    /** What it is about: a queue, a task, a worker or process as `host/pid`, or `database`. */
    subject: z.string(),
    severity: alarmSeveritySchema,
    /** For people: what is so, with the figures of the last look. */
    message: z.string(),
    /** The figures, by kind, with the threshold they were compared with. */
    details: z.record(z.string(), z.unknown()),
    state: z.enum(["open", "cleared"]),
    raised_at: momentSchema,
    /** When it was last found to be so. */
    last_seen_at: momentSchema,
    cleared_at: momentSchema.nullable(),
    /** Somebody has seen it. It stays open until what it tells of is over. */
    acknowledged_at: momentSchema.nullable(),
    acknowledged_by: z.string().nullable(),
    links: z.object({ self: z.string(), acknowledge: z.string() }),
  })
  .meta({ id: "Alarm" });
export type Alarm = z.infer<typeof alarmSchema>;

/** `GET /api/alarms`: open ones by default; `all` has the cleared ones of the last 30 days too. */
export const alarmListQuerySchema = pageQuerySchema.extend({
  state: z.enum(["open", "all"]).default("open"),
  kind: alarmKindSchema.optional(),
  severity: alarmSeveritySchema.optional(),
});

/** `GET /api/alarms/summary`: how many are open, for a badge. */
export const alarmSummarySchema = z
  .object({
    open: z.int(),
    critical: z.int(),
    /** Open ones that nobody has acknowledged. */
    unacknowledged: z.int(),
  })
  .meta({ id: "AlarmSummary" });
export type AlarmSummary = z.infer<typeof alarmSummarySchema>;

/** What the webhook is sent, once when an alarm is raised and once when it is cleared. */
export const alarmNoticeSchema = z.object({
  type: z.enum(["alarm.raised", "alarm.cleared"]),
  /** When it was raised or cleared. */
  timestamp: momentSchema,
  data: alarmSchema,
});
export type AlarmNotice = z.infer<typeof alarmNoticeSchema>;

/** What the webhook is sent by `POST /api/alarms/test`. */
export const alarmTestNoticeSchema = z.object({
  type: z.literal("alarm.test"),
  timestamp: momentSchema,
  data: z.strictObject({}),
});
export type AlarmTestNotice = z.infer<typeof alarmTestNoticeSchema>;

/** `POST /api/alarms/test` */
export const alarmTestSchema = z
  .object({
    /** Whether the webhook took a message. */
    delivered: z.boolean(),
    /** Why it did not. */
    problem: z.string().nullable(),
  })
  .meta({ id: "AlarmTest" });
