import { z } from "zod";
import { givenMomentSchema, momentSchema, pageSchema } from "./common.ts";
import { jobStates } from "./job.ts";

/** Stands for all queues together where one may be named. */
export const allQueues = "*";

/** A queue that is paused: running jobs go on, nothing of it starts. */
export const queuePauseSchema = z
  .object({
    at: momentSchema,
    by: z.string().nullable(),
    reason: z.string().nullable(),
    /** When it goes on by itself. Null: when somebody says so. */
    until: momentSchema.nullable(),
  })
  .meta({ id: "QueuePause" });
export type QueuePause = z.infer<typeof queuePauseSchema>;

export const queueSchema = z
  .object({
    /** `*` stands for all queues together. */
    name: z.string(),
    /** Jobs by state; ended ones until they are purged after their retention. */
    counts: z.record(z.enum(jobStates), z.int()),
    /** How long the job that waits longest has been due. Null when nothing is queued. */
    oldest_wait_seconds: z.number().nullable(),
    running: z.int(),
    /** Null when it is not paused. Of a queue by itself, whatever `*` says: nothing starts while either is. */
    paused: queuePauseSchema.nullable(),
    /** Jobs at once, over all workers. Null: no limit. */
    max_running: z.int().nullable(),
    /** Live workers that serve it. */
    workers: z.int(),
    /** Jobs that came and that ended in the last minute; estimates when those were very many. */
    arrived_per_minute: z.number(),
    finished_per_minute: z.number(),
    links: z.object({
      self: z.string(),
      pause: z.string(),
      resume: z.string(),
      purge: z.string(),
      jobs: z.string(),
    }),
  })
  .meta({ id: "Queue" });
export type Queue = z.infer<typeof queueSchema>;

/** `GET /api/queues/{name}` */
export const queueDetailSchema = queueSchema
  .extend({
    /** Hints of its jobs that wait in the broker. Null where brokers keep none, or can't say now. */
    hints: z.int().nullable(),
  })
  .meta({ id: "QueueDetail" });

/** `GET /api/queues`: every queue that has jobs, settings or a live worker. */
export const queueListSchema = pageSchema(queueSchema)
  .extend({ all: queueSchema.describe("All queues together") })
  .meta({ id: "QueueList" });
export type QueueList = z.infer<typeof queueListSchema>;

/** `POST /api/queues/{name}/pause` */
export const pauseQueueSchema = z
  .strictObject({
    reason: z.string().min(1).max(500).optional(),
    /** When it goes on by itself. Default: when somebody says so. */
    until: givenMomentSchema.optional(),
  })
  .meta({ id: "PauseQueue" });
export type PauseQueue = z.infer<typeof pauseQueueSchema>;

/** `PATCH /api/queues/{name}` */
export const updateQueueSchema = z
  .strictObject({
    /** 0 lets nothing start, null lifts the limit. */
    max_running: z.int().min(0).max(2_147_483_647).nullable(),
  })
  .meta({ id: "UpdateQueue" });
export type UpdateQueue = z.infer<typeof updateQueueSchema>;

/** `POST /api/queues/{name}/purge` */
export const purgeQueueSchema = z
  .strictObject({
    /** How many jobs are queued or scheduled there, as you saw it. With another number nothing is done. */
    expected_count: z.int().min(0).optional(),
    /** Only jobs of this task. */
    task: z.string().max(200).optional(),
    /** Counts them and cancels none: `left` is the answer. Default false. Without it a count is expected. */
    dry_run: z.boolean().optional(),
  })
  .refine((purge) => purge.dry_run === true || purge.expected_count !== undefined, {
    path: ["expected_count"],
    message: "Say how many jobs you expect; `dry_run` counts them.",
  })
  .meta({ id: "PurgeQueue" });
export type PurgeQueue = z.infer<typeof purgeQueueSchema>;

/** What a purge did within its time. With some left: ask again, with `left` as the expected count. */
export const queuePurgedSchema = z.object({ cancelled: z.int(), left: z.int() }).meta({ id: "QueuePurged" });
export type QueuePurged = z.infer<typeof queuePurgedSchema>;

/** How many turns an owner's jobs get: 2 where others get 1. */
export const ownerWeightSchema = z
  .object({ owner: z.string(), weight: z.number() })
  .meta({ id: "OwnerWeight" });
export type OwnerWeight = z.infer<typeof ownerWeightSchema>;

/** `PUT /api/owners/{owner}/weight` */
export const setOwnerWeightSchema = z
  .strictObject({ weight: z.number().min(0.001).max(1000) })
  .meta({ id: "SetOwnerWeight" });
