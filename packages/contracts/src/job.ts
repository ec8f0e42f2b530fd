import { z } from "zod";
import { givenMomentSchema as moment, idSchema, momentSchema, pageQuerySchema } from "./common.ts";

export const jobStates = [
  "blocked",
  "scheduled",
  "queued",
  "running",
  "waiting",
  "succeeded",
  "failed",
  "cancelled",
  "expired",
] as const;
export const jobStateSchema = z.enum(jobStates);
export type JobState = z.infer<typeof jobStateSchema>;

export const terminalJobStates = ["succeeded", "failed", "cancelled", "expired"] as const;
export type TerminalJobState = (typeof terminalJobStates)[number];

/** Whether a job in this state will never run again by itself. */
export function isTerminal(state: JobState): state is TerminalJobState {
  return (terminalJobStates as readonly JobState[]).includes(state);
}

export const attemptOutcomeSchema = z.enum([
  "succeeded",
  "failed",
  "timed_out",
  "cancelled",
  "crashed",
  "snoozed",
  "handed_back",
]);
export type AttemptOutcome = z.infer<typeof attemptOutcomeSchema>;

/** How far a job is. `percent` is 0 to 100 and never goes back within an attempt. */
export const progressSchema = z
  .object({
    percent: z.number().min(0).max(100),
    /** The stage: `initialization`, `text_extraction`, `indexing`, `ai_analysis`, `finalization`. */
    stage: z.string().nullable(),
    message: z.string().nullable(),
    done: z.number().nullable(),
    total: z.number().nullable(),
    unit: z.string().nullable(),
    eta_seconds: z.number().nullable(),
  })
  .meta({ id: "Progress" });
export type Progress = z.infer<typeof progressSchema>;

export const jobErrorSchema = z.object({ code: z.string(), message: z.string() });

export const attemptSchema = z.object({
  attempt: z.int(),
  worker: z.string().nullable(),
  started_at: momentSchema,
  finished_at: momentSchema.nullable(),
  outcome: attemptOutcomeSchema.nullable(),
  error: jobErrorSchema.nullable(),
});

export const stepSchema = z.object({
  key: z.string(),
  state: z.enum(["started", "done"]),
  /** How often it was started: more than once means that its process died in the middle. */
  starts: z.int(),
  started_at: momentSchema,
  finished_at: momentSchema.nullable(),
});

/** Why a job that has been begun is not worked on, and when it goes on by itself. */
export const putOffSchema = z
  .object({
    code: z.string(),
    message: z.string(),
    until: momentSchema,
    /** The attempt that failed, and is made again; null when nothing did. */
    failed_attempt: z.int().nullable(),
  })
  .meta({ id: "PutOff" });
export type PutOff = z.infer<typeof putOffSchema>;

/** What a job in the state `waiting` asks: `POST /api/jobs/{id}/answer` answers it. */
export const waitingForSchema = z.object({
  key: z.string(),
  question: z.string(),
  /** A JSON Schema that the answer must fit; null for any JSON. */
  schema: z.record(z.string(), z.unknown()).nullable(),
  /** Why the job itself did not take the last answer. */
  problem: z.string().nullable(),
  since: momentSchema,
  /** When it ends, or goes on with an answer of its own. */
  expires_at: momentSchema.nullable(),
});
export type WaitingFor = z.infer<typeof waitingForSchema>;

/** `POST /api/jobs/{id}/answer` */
export const answerJobSchema = z
  .strictObject({
    key: z.string().min(1).max(200),
    /** Any JSON, `null` too, that fits the schema of the question. */
    answer: z.unknown().refine((answer): boolean => answer !== undefined, "is needed"),
  })
  .meta({ id: "AnswerJob" });
export type AnswerJob = z.infer<typeof answerJobSchema>;

export const jobSchema = z
  .object({
    id: idSchema,
    task: z.string(),
    queue: z.string(),
    state: jobStateSchema,
    /** Derived, for display: `retrying` and `cancelling` are not stored states. */
    display_state: z.enum([...jobStates, "retrying", "cancelling"]),
    /** Why a scheduled job waits: `delay`, `retry`, `snooze`, `rate_limit`. */
    reason: z.string().nullable(),
    priority: z.int(),
    attempt: z.int(),
    max_attempts: z.int(),
    crash_count: z.int(),
    run_at: momentSchema,
    created_at: momentSchema,
    started_at: momentSchema.nullable(),
    finished_at: momentSchema.nullable(),
    /** The job that it is a part of. */
    parent_id: idSchema.nullable(),
    /** The workflow that it is a member of. */
    workflow_id: idSchema.nullable(),
    progress: progressSchema,
    error: jobErrorSchema.nullable(),
    /** Of a scheduled job that was put off, or failed and is tried again. */
    put_off: putOffSchema.nullable(),
    /** What it asks, in the state `waiting`. */
    waiting_for: waitingForSchema.nullable(),
    links: z.object({
      self: z.string(),
      events: z.string(),
      cancel: z.string(),
      retry: z.string(),
      answer: z.string(),
    }),
  })
  .meta({ id: "Job" });
export type Job = z.infer<typeof jobSchema>;

export const jobDetailSchema = jobSchema
  .extend({
    input: z.unknown(),
    output: z.unknown(),
    /** Which of the two are left out here because they are large: `/input` and `/result` have them. */
    omitted: z.array(z.enum(["input", "output"])),
    /** What its handler or its caller keeps with it. */
    meta: z.record(z.string(), z.unknown()),
    tags: z.array(z.string()),
    /** Whose it is: the workspace. Null for the product's own. */
    owner: z.string().nullable(),
    /** Where its events are numbered: `job:<id>`, or a stream that it shares, as `document:<id>`. */
    stream: z.string(),
    /** The trace that it was enqueued in, 32 hexadecimal digits. */
    trace_id: z.string().nullable(),
    attempts: z.array(attemptSchema),
    steps: z.array(stepSchema),
  })
  .meta({ id: "JobDetail" });
export type JobDetail = z.infer<typeof jobDetailSchema>;

/** `GET /api/jobs/{id}/input` */
// Not "JobInput": by that name the description of the API knows a Job as it is sent.
export const jobInputSchema = z.object({ id: idSchema, input: z.unknown() }).meta({ id: "InputOfJob" });

/** `GET /api/jobs/{id}/result`: 202 while it has not ended. */
export const jobResultSchema = z
  .object({
    id: idSchema,
    state: jobStateSchema,
    output: z.unknown(),
    error: jobErrorSchema.nullable(),
    finished_at: momentSchema.nullable(),
  })
  .meta({ id: "JobResult" });
export type JobResult = z.infer<typeof jobResultSchema>;

export const jobListQuerySchema = pageQuerySchema.extend({
  /** One state, or several with commas between: `failed,cancelled`. */
  state: z
    .string()
    .max(200)
    .transform((states) => states.split(",").map((state) => state.trim()))
    .pipe(z.array(jobStateSchema).min(1))
    .optional(),
  queue: z.string().max(200).optional(),
  task: z.string().max(200).optional(),
  tag: z.string().max(100).optional(),
  /** What this worker, by id or name, runs or ran; of the latest 10,000 jobs. */
  worker: z.string().max(200).optional(),
  error_code: z.string().max(200).optional(),
  /** Part of the task's name, a tag, or of the error; of the latest 10,000 jobs. */
  search: z.string().min(1).max(200).optional(),
  created_after: moment.optional(),
  created_before: moment.optional(),
  finished_after: moment.optional(),
  finished_before: moment.optional(),
});

export const logLineSchema = z
  .object({
    id: z.string(),
    job_id: idSchema,
    level: z.enum(["debug", "info", "warning", "error"]),
    step: z.string().nullable(),
    message: z.string(),
    created_at: momentSchema,
  })
  .meta({ id: "LogLine" });
export type LogLine = z.infer<typeof logLineSchema>;
