import { z } from "zod";
import { analysisSchema, documentSchema, partNameSchema, partStateSchema } from "./document.ts";
import { jobSchema, logLineSchema } from "./job.ts";

/**
 * A stored event: numbered without gaps within its stream. `type` is `domain.something_happened`. An hour after
 * the work ended its pieces of text (`….text_written`) are gone, and their numbers with them.
 * Streams: `document:<id>`, `crew_run:<id>`, `summary:<id>`, `ask:<id>`, `job:<id>`.
 */
export const liveEventSchema = z.object({
  stream: z.string(),
  seq: z.int(),
  type: z.string(),
  data: z.record(z.string(), z.unknown()),
  at: z.iso.datetime(),
});
export type LiveEvent = z.infer<typeof liveEventSchema>;

/** The events of a document's stream and their data. */
export const documentEventSchemas = {
  /** Accepted, reprocess or retry asked for: work is waiting. */
  "document.queued": z.object({ job_id: z.string(), message: z.string() }),
  "document.progressed": z.object({
    percent: z.number(),
    stage: z.string().nullable(),
    message: z.string().nullable(),
    done: z.number().nullable(),
    total: z.number().nullable(),
    unit: z.string().nullable(),
    eta_seconds: z.number().nullable(),
  }),
  "document.logged": logLineSchema.omit({ id: true, job_id: true }),
  "document.part_changed": z.object({
    part: partNameSchema,
    state: partStateSchema,
    reason: z.string().nullable(),
  }),
  /** A part is made again beside what is there: `done` says that the new result has taken its place. */
  "document.part_rerun": z.object({
    part: partNameSchema,
    state: z.enum(["running", "done", "failed", "cancelled"]),
    model: z.string().nullable(),
    job_id: z.string(),
    reason: z.string().nullable(),
  }),
  /** An attempt failed and the job will be tried again. */
  "document.retry_scheduled": z.object({
    attempt: z.int(),
    error: z.string(),
    error_code: z.string(),
    retry_in_seconds: z.number(),
  }),
  /** A limit or a budget is used up, or the model server is away: no failure, and it goes on by itself. */
  "document.put_off": z.object({
    error: z.string(),
    error_code: z.string(),
    retry_in_seconds: z.number(),
  }),
  "document.completed": z.object({
    status: z.enum(["completed", "partial"]),
    text_length: z.int(),
    analysis_complete: z.boolean(),
  }),
  "document.failed": z.object({ error: z.string(), error_code: z.string() }),
  "document.cancelled": z.object({ message: z.string() }),
} as const;

/** What a subscriber of `document:<id>` gets first: everything a page needs to draw itself. */
export const documentSnapshotSchema = z.object({
  document: documentSchema,
  analysis: analysisSchema,
  job: jobSchema.nullable(),
});
export type DocumentSnapshot = z.infer<typeof documentSnapshotSchema>;

/** What a client of `/api/ws` may send (subprotocol `millrace.v1`). */
export const clientFrameSchema = z.discriminatedUnion("op", [
  z.strictObject({
    op: z.literal("sub"),
    /** Chosen by the client; errors about this subscription carry it. */
    id: z.string().max(100).optional(),
    /** The name of a stream (numbered) or `workspace`, `jobs`, `monitor` (change notices). */
    topic: z.string().max(200),
    /** The last number seen: what came after it is replayed. */
    since: z.int().min(0).optional(),
  }),
  z.strictObject({ op: z.literal("unsub"), topic: z.string().max(200) }),
  z.strictObject({ op: z.literal("ping") }),
]);
export type ClientFrame = z.infer<typeof clientFrameSchema>;

/**
 * What the server sends. `snap` always comes first after `sub`; with `since` the missed events
 * follow. `reset` says that the history asked for has expired: a new `snap` follows.
 */
export const serverFrameSchema = z.discriminatedUnion("t", [
  z.object({ t: z.literal("hello"), server_time: z.string(), heartbeat: z.number(), session: z.string() }),
  z.object({ t: z.literal("snap"), topic: z.string(), seq: z.int(), data: z.unknown() }),
  z.object({
    t: z.literal("ev"),
    topic: z.string(),
    /** Null on change notices. */
    seq: z.int().nullable(),
    type: z.string(),
    data: z.record(z.string(), z.unknown()),
    at: z.string(),
  }),
  z.object({ t: z.literal("reset"), topic: z.string() }),
  z.object({ t: z.literal("pong") }),
  z.object({
    t: z.literal("err"),
    id: z.string().optional(),
    topic: z.string().optional(),
    code: z.string(),
    message: z.string(),
    /** Present when the same may succeed later: try again after so many seconds at least, later each time. */
    retry_after_seconds: z.number().optional(),
  }),
]);
export type ServerFrame = z.infer<typeof serverFrameSchema>;

/** Close codes of our sockets. */
export const closeCodes = {
  unauthorized: 4401,
  forbidden: 4403,
  notFound: 4404,
  slowClient: 4408,
  restart: 1012,
} as const;
