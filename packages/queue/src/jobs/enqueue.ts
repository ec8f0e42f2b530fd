import { jsonText } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { sql } from "kysely";
import type { Broker } from "../brokers/broker.ts";
import { invalidInput } from "../errors.ts";
import { parseStream, prepareEvents } from "../events/append-events.ts";
import type { NumberedStream } from "../events/append-events.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { Task } from "../tasks/task.ts";
import type { WriteScope } from "../write-scope.ts";
import type { JobRecord } from "./find-jobs.ts";

export type EnqueueOptions = {
  /** Default: a new one. Given by a caller that writes it elsewhere in the same statement. */
  readonly id?: string;
  /** For whom it is done; opaque to the queue. Default none. */
  readonly owner?: string;
  /** Where its events go. Default `job:<id>`. */
  readonly stream?: string;
  /** 0 to 9, 9 first. Default: the task's. */
  readonly priority?: number;
  /** Earliest start, in milliseconds from now. Default 0. */
  readonly delayMs?: number;
  /** When it has not started by then, it ends as `expired`. Default never. */
  readonly expiresInMs?: number;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, unknown>>;
};

/**
 * Writes a job in the caller's transaction: it exists if and only if that commits, and the worker
 * is woken after. Returns the job as written. Throws `invalid_job_input` when the input does not fit.
 */
export async function enqueueJob<Input>(
  scope: WriteScope,
  parts: { readonly bus: EventBus; readonly broker: Broker },
  request: { readonly task: Task<Input>; readonly input: Input; readonly options: EnqueueOptions },
): Promise<JobRecord> {
  const { task, input, options } = request;
  const parsed = task.input.safeParse(input);
  if (!parsed.success) throw invalidInput(task.name, parsed.error);
  const id = options.id ?? newId();
  const stream = options.stream ?? `job:${id}`;
  const isDelayed = (options.delayMs ?? 0) > 0;
  const events = prepareEvents([
    {
      stream,
      owner: options.owner ?? null,
      type: `${parseStream(stream).domain}.queued`,
      data: { job_id: id, message: "Waiting for a worker" },
    },
  ]);
  const written = await sql<WrittenJob & Pick<NumberedStream, "last_seq">>`
    WITH fresh AS (
      INSERT INTO job (id, queue, task, task_version, owner, stream, state, reason, priority, run_at,
                       expires_at, max_attempts, retries)
      VALUES (${id}, ${task.queue}, ${task.name}, ${task.version}, ${options.owner ?? null}, ${stream},
              ${isDelayed ? "scheduled" : "queued"}, ${isDelayed ? "delay" : null},
              ${options.priority ?? task.priority},
              now() + ${options.delayMs ?? 0}::double precision * interval '1 millisecond',
              now() + ${options.expiresInMs ?? null}::double precision * interval '1 millisecond',
              ${task.retries + 1}, ${task.retries})
      RETURNING id, task, queue, owner, stream, state, reason, priority, attempt, max_attempts, crash_count,
                run_at, created_at, started_at, finished_at
    ), payload AS (
      INSERT INTO job_payload (job_id, input, meta, tags)
      SELECT id, ${jsonText(parsed.data)}::jsonb, ${jsonText(options.meta ?? {})}::jsonb,
             ${[...(options.tags ?? [])]}::text[]
      FROM fresh
    ), ${events.expressions}
    SELECT fresh.*, numbered.last_seq FROM fresh, numbered`.execute(scope.transaction);
  const [row] = written.rows;
  if (row === undefined) throw new Error("INSERT … RETURNING gave no row");
  const { last_seq, ...job } = row;
  events.announce(scope, parts.bus, [{ stream, last_seq, at: job.created_at }]);
  scope.afterCommit(() => {
    parts.bus.publishNotice(jobChanged(id, options.owner ?? null, isDelayed ? "scheduled" : "queued"));
    if (!isDelayed) parts.broker.announce(task.queue);
  });
  return { ...job, ...nothingYet };
}

/** What a job has none of before its first attempt. */
const nothingYet = {
  is_cancel_requested: false,
  percent: null,
  stage: null,
  message: null,
  done: null,
  total: null,
  unit: null,
  eta_seconds: null,
  error_code: null,
  error_message: null,
} as const;

type WrittenJob = Omit<JobRecord, keyof typeof nothingYet>;

export function jobChanged(id: string, owner: string | null, state: string) {
  return { topic: "jobs", owner, type: "job.changed", data: { job_id: id, state } } as const;
}
