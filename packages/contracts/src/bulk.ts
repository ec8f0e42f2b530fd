import { z } from "zod";
import { givenMomentSchema as moment, idSchema, momentSchema } from "./common.ts";
import { jobStateSchema } from "./job.ts";

/** Which jobs: those of which all that is given is true. */
export const jobSelectionSchema = z
  .strictObject({
    ids: z.array(idSchema).min(1).max(1000).optional(),
    /** One state or several. Default: to retry, `failed`, or with `ids` any end but success; to cancel, all that have not ended. */
    state: z.union([jobStateSchema, z.array(jobStateSchema).min(1).max(9)]).optional(),
    queue: z.string().max(200).optional(),
    task: z.string().max(200).optional(),
    tag: z.string().max(100).optional(),
    error_code: z.string().max(200).optional(),
    /** The message of a group of `GET /api/jobs/failures`: with numbers and ids left out. */
    error_message: z.string().max(1000).optional(),
    created_after: moment.optional(),
    created_before: moment.optional(),
    finished_after: moment.optional(),
    finished_before: moment.optional(),
  })
  .refine((selection) => Object.values(selection).some((value) => value !== undefined), {
    error: "Say which jobs: name at least one field. An empty filter would mean all there are.",
  })
  .meta({ id: "JobSelection" });
export type JobSelection = z.infer<typeof jobSelectionSchema>;

/** `POST /api/jobs/retry` and `POST /api/jobs/cancel` */
export const bulkRequestSchema = z
  .strictObject({
    filter: jobSelectionSchema,
    /** How many there are, as you saw it. With another number nothing is done, and the answer is 409. */
    expected_count: z.int().min(0).optional(),
    /** At most so many. Default: all of them, as far as the time of one request goes. */
    limit: z.int().min(1).max(1_000_000).optional(),
    /** Counts them and changes none: `matched` is the answer. Default false. */
    dry_run: z.boolean().optional(),
  })
  .meta({ id: "BulkRequest" });
export type BulkRequest = z.infer<typeof bulkRequestSchema>;

export const bulkResultSchema = z
  .object({
    /** Jobs that the filter fitted when it began. */
    matched: z.int(),
    changed: z.int(),
    /** Jobs that are as they were: others hold them or changed them meanwhile, or `errors` says why. */
    skipped: z.int(),
    /** Jobs that it had no time for, or that are beyond `limit`: ask again while there are some. */
    left: z.int(),
    /**
     * When it began. To go on with the same jobs, give it as `finished_before` to retry, or as
     * `created_before` to cancel: a job that fails again meanwhile is not one of them.
     */
    as_of: momentSchema,
    /** Why single jobs could not be changed, at most 100. */
    errors: z.array(z.object({ id: idSchema, code: z.string(), message: z.string() })),
  })
  .meta({ id: "BulkResult" });
export type BulkResult = z.infer<typeof bulkResultSchema>;

/** Failed jobs of a task that failed alike. */
export const failureGroupSchema = z
  .object({
    task: z.string(),
    error_code: z.string(),
    /** Of the errors, with numbers, ids and quoted texts left out: what they have in common. */
    error_message: z.string(),
    /** One of them as it was. */
    sample_message: z.string(),
    count: z.int(),
    /** When the first and the last of them failed. */
    first_at: momentSchema,
    last_at: momentSchema,
    /** The latest, at most five. */
    job_ids: z.array(idSchema),
  })
  .meta({ id: "FailureGroup" });
export type FailureGroup = z.infer<typeof failureGroupSchema>;

export const failureQuerySchema = z.strictObject({
  queue: z.string().max(200).optional(),
  task: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});

/** `GET /api/jobs/failures`: the largest group first. */
export const failureListSchema = z
  .object({
    data: z.array(failureGroupSchema),
    /** Failed jobs that were looked at: the latest, at most 10,000. */
    examined: z.int(),
    /** There are more failed jobs than were looked at, or more groups than are shown. */
    is_partial: z.boolean(),
  })
  .meta({ id: "FailureList" });
export type FailureList = z.infer<typeof failureListSchema>;
