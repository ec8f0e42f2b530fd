import { attemptOutcomeSchema, isTerminal, jobStateSchema } from "@millrace/contracts";
import { isMillraceError, parseJson } from "@millrace/kernel";
import { z } from "zod";
import type { JobDetailRecord, JobRecord } from "../jobs/find-jobs.ts";

const text = z.string().nullable();
const number = z.number().nullable();
// As JSON writes a Date.
const moment = z.iso.datetime().transform((written) => new Date(written));

const recordSchema = z.object({
  id: z.uuid(),
  task: z.string(),
  task_version: z.number(),
  queue: z.string(),
  owner: text,
  stream: z.string(),
  state: jobStateSchema,
  reason: text,
  priority: z.number(),
  attempt: z.number(),
  max_attempts: z.number(),
  crash_count: z.number(),
  run_at: moment,
  created_at: moment,
  started_at: moment.nullable(),
  finished_at: moment.nullable(),
  parent_id: text,
  workflow_id: text,
  is_cancel_requested: z.boolean(),
  percent: number,
  stage: text,
  message: text,
  done: number,
  total: number,
  unit: text,
  eta_seconds: number,
  error_code: text,
  error_message: text,
  // Copies of before do not have it.
  put_off: z.object({ code: z.string(), message: text, failed_attempt: number }).nullable().default(null),
  waiting_for: z
    .object({
      key: z.string(),
      question: z.string(),
      schema: z.record(z.string(), z.unknown()).nullable(),
      problem: text,
      since: z.string(),
      expires_at: text,
    })
    .nullable(),
}) satisfies z.ZodType<JobRecord>;

const detailSchema = z.object({
  input: z.unknown(),
  output: z.unknown(),
  omitted: z.array(z.enum(["input", "output"])),
  meta: z.record(z.string(), z.unknown()),
  tags: z.array(z.string()),
  trace_parent: text,
  attempts: z.array(
    z.object({
      attempt: z.number(),
      worker_name: z.string(),
      started_at: moment,
      finished_at: moment.nullable(),
      outcome: attemptOutcomeSchema.nullable(),
      error_code: text,
      error_message: text,
    }),
  ),
  steps: z.array(
    z.object({
      key: z.string(),
      state: z.enum(["started", "done"]),
      starts: z.number(),
      started_at: moment,
      finished_at: moment.nullable(),
    }),
  ),
}) satisfies z.ZodType<JobDetailRecord>;

const mirroredSchema = z.object({
  job: recordSchema,
  detail: detailSchema,
  /** How often it was claimed, taken back or put back in line, when this was read. */
  fence: z.number(),
  /** It may be deleted at a time that is known, and not before. */
  hasPurgeTime: z.boolean(),
  /** Its task names places in it that nobody is to see, and they are left out. */
  isRedacted: z.boolean(),
});

/** A job as it was in the database, with what people may see of its input and output. */
export type MirroredJob = {
  readonly job: JobRecord;
  readonly detail: JobDetailRecord;
  readonly fence: number;
  readonly hasPurgeTime: boolean;
  readonly isRedacted: boolean;
};

export function formatMirrored(job: MirroredJob): string {
  return JSON.stringify(job);
}

/** Undefined for what is not this job: written by another program, or by another version of this one. */
export function parseMirrored(id: string, written: string): MirroredJob | undefined {
  try {
    const parsed = mirroredSchema.safeParse(parseJson(written));
    return parsed.success && parsed.data.job.id === id && isConsistent(parsed.data.job)
      ? parsed.data
      : undefined;
  } catch (error) {
    if (isMillraceError(error)) return undefined;
    throw error;
  }
}

/** The rule that the database has for its rows too. */
function isConsistent({ state, finished_at }: JobRecord): boolean {
  return isTerminal(state) === (finished_at !== null);
}

const width = 17;

/**
 * Orders what was read of one job, as text: a later claim or retry after what was before it; an end after
 * what led to it; then by its events, and by the database's clock.
 */
export function versionOf(seen: {
  readonly fence: number;
  readonly state: JobRecord["state"];
  readonly eventSeq: number;
  readonly readAtMicros: number;
}): string {
  const ended = isTerminal(seen.state) ? 1 : 0;
  return [seen.fence, ended, seen.eventSeq, Math.round(seen.readAtMicros)]
    .map((part) => `${part}`.padStart(width, "0"))
    .join("");
}
