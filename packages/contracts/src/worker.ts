import { z } from "zod";
import { brokerStateSchema } from "./broker.ts";
import { idSchema, momentSchema, pageSchema } from "./common.ts";
import { jobSchema } from "./job.ts";

const workerStateSchema = z.enum(["running", "draining", "stopped"]);

/** `stopping` and `silent` are derived: it was asked to stop; it has not been heard of for a minute. */
export const workerDisplayStates = ["running", "draining", "stopping", "silent", "stopped"] as const;

/** A process that runs jobs, as it said of itself last. */
export const workerSchema = z
  .object({
    id: idSchema,
    name: z.string(),
    host: z.string(),
    pid: z.int(),
    version: z.string(),
    queues: z.array(z.string()),
    /** What it can run, as `name@version`. */
    tasks: z.array(z.string()),
    /** `draining`: it claims nothing more. `stopped`: nothing of it runs any more. */
    state: workerStateSchema,
    display_state: z.enum(workerDisplayStates),
    /** Whether it was heard of within a minute and has not stopped. */
    is_live: z.boolean(),
    /** What somebody asked of it last; it obeys with its next beat. Null: nothing. */
    wanted_state: workerStateSchema.nullable(),
    wanted_concurrency: z.int().nullable(),
    /** Jobs at once, and those that run. */
    concurrency: z.int(),
    running: z.int(),
    /** Attempts that ended since it started, and those of them that failed, timed out or crashed. */
    processed: z.int(),
    failed: z.int(),
    rss_bytes: z.int(),
    loop_delay_ms: z.number(),
    /** How its broker stood at its last beat. Null: it has not said so (yet). */
    broker: brokerStateSchema.nullable(),
    started_at: momentSchema,
    beat_at: momentSchema,
    stopped_at: momentSchema.nullable(),
    links: z.object({ self: z.string(), drain: z.string(), stop: z.string(), run: z.string() }),
  })
  .meta({ id: "Worker" });
export type Worker = z.infer<typeof workerSchema>;

/** `GET /api/workers`: the living first, then those that went within a day. The same for those that were asked. */
export const workerListSchema = pageSchema(workerSchema).meta({ id: "WorkerList" });

/** `GET /api/workers/{id}`, by id or by name. */
export const workerDetailSchema = workerSchema
  .extend({
    /** What it runs now, the longest first, at most 100. */
    jobs: z.array(jobSchema),
  })
  .meta({ id: "WorkerDetail" });
export type WorkerDetail = z.infer<typeof workerDetailSchema>;

/** `PATCH /api/workers/{id}` */
export const updateWorkerSchema = z
  .strictObject({
    /** Jobs at once from now on. To let it run none, drain it. */
    concurrency: z.int().min(1).max(10_000),
  })
  .meta({ id: "UpdateWorker" });
export type UpdateWorker = z.infer<typeof updateWorkerSchema>;
