import { z } from "zod";
import { givenMomentSchema } from "./common.ts";

/** A rate in words, as `10/m`, and how many may start at once after a quiet time. */
export const rateLimitSchema = z.object({ limit: z.string(), burst: z.int() });

/** What holds the starts of a task back, over all workers. Null: no such limit. */
export const taskLimitsSchema = z.object({
  rate_limit: rateLimitSchema.nullable(),
  key_rate_limit: rateLimitSchema.nullable(),
  concurrency: z.int().nullable(),
  key_concurrency: z.int().nullable(),
});
export type TaskLimitsView = z.infer<typeof taskLimitsSchema>;

export const taskLimitNames = ["rate_limit", "key_rate_limit", "concurrency", "key_concurrency"] as const;

/** A JSON Schema (draft 2020-12); null for a schema that can't be said in one, such as one with a transform. */
const jsonSchemaSchema = z.record(z.string(), z.unknown()).nullable();

/** One version of a task that this installation knows. */
export const taskSchema = z
  .object({
    name: z.string(),
    version: z.int(),
    description: z.string().nullable(),
    /** `program`: out of your own tasks folder or configuration. `product`: Millrace's own. */
    source: z.enum(["program", "product"]),
    queue: z.string(),
    /** 0 to 9, 9 first. */
    priority: z.int(),
    /** Further tries after the first. */
    retries: z.int(),
    backoff: z.object({
      first_seconds: z.number(),
      factor: z.number(),
      cap_seconds: z.number(),
      jitter: z.enum(["full", "none"]),
    }),
    soft_limit_ms: z.number(),
    hard_limit_ms: z.number(),
    expires_in_ms: z.number().nullable(),
    max_output_bytes: z.int(),
    /** Null: it runs in the worker's own process. */
    isolation: z.object({ memory_megabytes: z.int().nullable() }).nullable(),
    /** What holds now: what the program and the settings declare, and over it what people have set. */
    limits: taskLimitsSchema,
    declared_limits: taskLimitsSchema,
    /** Which of `limits` people have set while it runs. */
    live_limits: z.array(z.enum(taskLimitNames)),
    /** What `input` of `POST /api/tasks/{name}/jobs` must be. */
    input: jsonSchemaSchema,
    output: jsonSchemaSchema,
    links: z.object({ self: z.string(), enqueue: z.string(), jobs: z.string() }),
  })
  .meta({ id: "Task" });
export type Task = z.infer<typeof taskSchema>;

export const taskListQuerySchema = z.strictObject({
  queue: z.string().max(200).optional(),
  source: taskSchema.shape.source.optional(),
});

/** Default: the newest version. */
export const taskQuerySchema = z.strictObject({ version: z.coerce.number().int().min(1).optional() });

const aYearMs = 365 * 24 * 3600 * 1000;

const enqueueOptionsSchema = z
  .strictObject({
    /** 0 to 9, 9 first. Default: the task's. */
    priority: z.int().min(0).max(9).optional(),
    /** Earliest start, in milliseconds from now. */
    delay_ms: z.number().min(0).max(aYearMs).optional(),
    /** Earliest start as a moment; one that has passed means now. */
    run_at: givenMomentSchema.optional(),
    /** When it has not started by then, it ends as `expired`. Default: the task's, or never. */
    expires_in_ms: z.number().positive().max(aYearMs).optional(),
    tags: z.array(z.string().min(1).max(100)).max(20).optional(),
    meta: z.record(z.string().max(200), z.unknown()).optional(),
    /** The same as the header `Idempotency-Key`, for those who can't set headers. */
    idempotency_key: z.string().min(1).max(255).optional(),
  })
  .refine((options) => options.delay_ms === undefined || options.run_at === undefined, {
    path: ["run_at"],
    error: "Give `delay_ms` or `run_at`, not both.",
  });

/** The body of `POST /api/tasks/{name}/jobs`. */
export const enqueueTaskSchema = z
  .strictObject({
    /** What the task's own schema asks for. Default: an empty object. */
    input: z.unknown().optional(),
    /** Default: the newest one. */
    version: z.int().min(1).optional(),
    options: enqueueOptionsSchema.optional(),
  })
  .meta({ id: "EnqueueTask" });
export type EnqueueTask = z.infer<typeof enqueueTaskSchema>;
