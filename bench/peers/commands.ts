import { z } from "zod";

const count = z.int().min(0);

/** What a benchmark tells the process of a queue to do. */
export const commandSchema = z.discriminatedUnion("do", [
  /** Adds jobs a thousand at a time. */
  z.object({ do: z.literal("add_many"), count }),
  /** Adds jobs one by one, so many not yet confirmed at any time. */
  z.object({ do: z.literal("add_singly"), count, inFlight: z.int().min(1) }),
  /** Adds one job after the other with a pause between; answers with the moments before each. */
  z.object({ do: z.literal("add_spaced"), count, pauseMs: z.number() }),
  /** Processes jobs that take so long, until the process ends. Time begins when `warmUp` of them are done; default 0. */
  z.object({
    do: z.literal("start_worker"),
    jobMs: z.number(),
    warmUp: count.optional(),
    concurrency: z.int().min(1).optional(),
  }),
  /** Waits until so many handlers have been done altogether. */
  z.object({ do: z.literal("wait_until_handled"), count }),
  /** The same, and until none is left that is not recorded as ended. */
  z.object({ do: z.literal("wait_until_recorded"), count }),
  /** Answers with the moments at which handlers began, by the number of the job. */
  z.object({ do: z.literal("report_starts") }),
]);

export type Command = z.infer<typeof commandSchema>;

/** Moments are milliseconds of `clockMs`. */
export const answerSchema = z.object({
  /** Of adding: before the first. Of waiting: when the first handler began after those that warm up. */
  beganMs: z.number(),
  endedMs: z.number(),
  /** Handlers done so far. */
  handled: z.number(),
  timesMs: z.array(z.number()),
});

export type Answer = z.infer<typeof answerSchema>;

export const requestSchema = z.object({ id: z.number(), command: commandSchema });

export const replySchema = z.union([
  z.object({ id: z.number(), answer: answerSchema }),
  z.object({ id: z.number(), error: z.string() }),
]);

export type Request = z.infer<typeof requestSchema>;
export type Reply = z.infer<typeof replySchema>;
