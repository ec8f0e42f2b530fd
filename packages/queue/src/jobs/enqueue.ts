import { arrayText, jsonText } from "@millrace/database";
import type { QueryAccess, Queryable } from "@millrace/database";
import { MillraceError, newId } from "@millrace/kernel";
import { sql } from "kysely";
import type { Announcer } from "../brokers/broker.ts";
import { hintsOf } from "../brokers/hint.ts";
import type { ReadyJob } from "../brokers/hint.ts";
import { commit } from "../crash-point.ts";
import { idempotencyKeyReused, invalidJobOption, jobIdTaken } from "../errors.ts";
import { ownStream, parseStream, publishEvents } from "../events/append-events.ts";
import type { NewEvent } from "../events/append-events.ts";
import type { StoredEvent } from "../events/event.ts";
import type { EventBus } from "../events/event-bus.ts";
import { jobKeys } from "../tasks/job-keys.ts";
import type { Task } from "../tasks/task.ts";
import { parseInput } from "../tasks/task-values.ts";
import type { WriteScope } from "../write-scope.ts";
import { findJobs } from "./find-jobs.ts";
import type { JobRecord } from "./find-jobs.ts";

export type EnqueueOptions = {
  /** Default: a new one. Given by a caller that writes it elsewhere in the same statement. Unique. */
  readonly id?: string;
  /** For whom it is done; opaque to the queue. Default none. */
  readonly owner?: string;
  /** Where its events go. Default `job:<id>`. */
  readonly stream?: string;
  /** 0 to 9, 9 first. Default: the task's. */
  readonly priority?: number;
  /** Earliest start, in milliseconds from now. Default 0. */
  readonly delayMs?: number;
  /** Earliest start as a time, by the clock of this process. Goes before `delayMs`. */
  readonly runAt?: Date;
  /** When it has not started by then, it ends as `expired`. Default: the task's, or never. */
  readonly expiresInMs?: number;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, unknown>>;
  /**
   * The caller's name for this request, per task and owner: asking again with it gives the job that is
   * there, as long as its row is kept, and `idempotency_key_reused` when the input differs. At most 255
   * characters.
   */
  readonly idempotencyKey?: string;
  /** The job that this one is a part of: cancelling that one cancels this. */
  readonly parentId?: string;
  /** W3C trace context of the caller. */
  readonly traceParent?: string | null;
};

/** A task, checked input and options: what the statement writes. */
export type PreparedJob = {
  readonly id: string;
  readonly task: Pick<Task, "name" | "version" | "queue" | "priority" | "retries" | "expiresInMs">;
  readonly stream: string;
  readonly delayMs: number;
  readonly uniqueKey: string | null;
  readonly limitKey: string | null;
  readonly input: string;
  readonly meta: string;
  readonly options: EnqueueOptions;
};

/**
 * Checks one request. Throws `invalid_job_input` when the input does not fit the task's schema,
 * `json_too_deep` for it or the meta, and `invalid_job_option` for a priority, a time or a key that can't be.
 */
export function prepareJob<Input>(
  task: Task<Input>,
  input: Input,
  options: EnqueueOptions = {},
): PreparedJob {
  const parsed = parseInput(task, input);
  const id = options.id ?? newId();
  const delayMs = options.runAt === undefined ? (options.delayMs ?? 0) : options.runAt.getTime() - Date.now();
  checkOptions({ ...options, delayMs });
  return {
    id,
    task,
    stream: options.stream ?? ownStream(id),
    delayMs: Math.max(0, delayMs),
    ...jobKeys(task, parsed),
    input: jsonText(parsed),
    meta: jsonText(options.meta ?? {}),
    options,
  };
}

/** A century: the database could not count much further, and nobody waits that long. */
const maxTimeMs = 100 * 365 * 24 * 3600 * 1000;

/** An index refuses entries of more than about 2700 bytes, the names of task and owner included. */
const maxKeyCharacters = 255;

/** What the database would refuse, or take for something else, with all that is written beside it. */
function checkOptions(options: EnqueueOptions): void {
  const { priority = 0, delayMs = 0, runAt, expiresInMs = 0, idempotencyKey = "" } = options;
  if (!Number.isInteger(priority) || priority < 0 || priority > 9) {
    throw invalidJobOption("priority", priority, "a whole number from 0 to 9; 9 goes first");
  }
  if (Number.isNaN(runAt?.getTime())) throw invalidJobOption("runAt", runAt, "a valid date");
  if (!(Math.abs(delayMs) <= maxTimeMs)) throw invalidJobOption("delayMs", delayMs, "milliseconds from now");
  if (!(Math.abs(expiresInMs) <= maxTimeMs)) {
    throw invalidJobOption("expiresInMs", expiresInMs, "milliseconds from now");
  }
  const isStorable = idempotencyKey.isWellFormed() && !idempotencyKey.includes("\0");
  if (!isStorable || idempotencyKey.length > maxKeyCharacters) {
    throw invalidJobOption("idempotencyKey", idempotencyKey, `at most ${maxKeyCharacters} characters`);
  }
}

const maxTries = 3;
/** The view `unstored_event` says the same. */
const waiting = "Waiting for a worker";

/**
 * Writes jobs in the caller's transaction, with one statement: they exist if and only if that commits,
 * and workers are woken after. Returns the jobs in the order given. Where a pending job has the same
 * unique key, or any job the same idempotency key or id, that one is returned and none is written, so
 * that a write whose answer was lost may be sent again. Throws `idempotency_key_reused` or
 * `job_id_taken` when that one was given another input, as far as it has not forgotten it.
 */
export async function enqueueJobs(
  scope: WriteScope,
  parts: AnnounceParts,
  jobs: readonly PreparedJob[],
): Promise<JobRecord[]> {
  const found = await writeJobs(scope.transaction, jobs);
  scope.afterCommit(() => announce(parts, found));
  return jobs.map((job) => {
    const record = recordOf(job, found);
    if (record instanceof MillraceError) throw record;
    return record;
  });
}

/**
 * The same for jobs that have nothing to do with each other: what `enqueueJobs` would throw for one is given
 * in its place. Needs no transaction around it, which would take two more ways to the database.
 */
export async function enqueueAlone(
  database: QueryAccess,
  parts: AnnounceParts,
  jobs: readonly PreparedJob[],
): Promise<(JobRecord | MillraceError)[]> {
  const found = await commit("enqueue", () => writeJobs(database.queryable, jobs));
  announce(parts, found);
  return jobs.map((job) => recordOf(job, found));
}

type AnnounceParts = { readonly bus: EventBus; readonly broker: Announcer };

type Found = {
  /** Each id's first job: the same may be asked for twice in one call. */
  readonly given: ReadonlyMap<string, PreparedJob>;
  readonly written: ReadonlyMap<string, WrittenRow>;
  /**
   * Those that were there before, by the ids of those that were not written for them, or why they can't
   * be given instead.
   */
  readonly known: ReadonlyMap<string, JobRecord | MillraceError>;
};

async function writeJobs(queryable: Queryable, jobs: readonly PreparedJob[]): Promise<Found> {
  const given = new Map<string, PreparedJob>();
  for (const job of jobs) if (!given.has(job.id)) given.set(job.id, job);
  const written = new Map<string, WrittenRow>();
  const known = new Map<string, JobRecord | MillraceError>();
  let left: readonly PreparedJob[] = [...given.values()];
  // A job that stood in the way may end before it is read: then there is room for the new one.
  for (let tries = 0; left.length > 0 && tries < maxTries; tries++) {
    for (const row of await insertJobs(queryable, left)) written.set(row.id, row);
    left = left.filter(({ id }) => !written.has(id));
    if (left.length === 0) break;
    for (const [id, record] of await findDoubled(queryable, left)) known.set(id, record);
    left = left.filter(({ id }) => !known.has(id));
  }
  return { given, written, known };
}

function announce({ bus, broker }: AnnounceParts, { given, written }: Found): void {
  if (bus.hasEventListeners) tellEvents(bus, given, written);
  const ready: ReadyJob[] = [];
  for (const job of given.values()) {
    if (!written.has(job.id)) continue;
    const { id, task, options } = job;
    const { name, queue } = task;
    const state = firstState(job);
    if (state === "queued")
      ready.push({ id, queue, task: name, priority: options.priority ?? task.priority });
    bus.publishTransition({
      type: "enqueued",
      job: { id, task: name, queue, owner: options.owner ?? null, state, attempt: 0 },
      traceParent: options.traceParent ?? null,
    });
  }
  for (const hint of hintsOf(ready)) broker.announce(hint);
}

function tellEvents(bus: EventBus, given: Found["given"], written: Found["written"]): void {
  const events: NewEvent[] = [];
  const stored: StoredEvent[] = [];
  for (const job of given.values()) {
    const row = written.get(job.id);
    if (row === undefined || !bus.admit(job.stream, job.options.owner ?? null)) continue;
    const event = queuedEvent(job);
    const { stream, type, data } = event;
    events.push(event);
    stored.push({ stream, seq: row.seq, type, data, at: new Date(row.at_ms).toISOString() });
  }
  publishEvents(bus, events, stored);
}

function queuedEvent({ id, stream, options }: PreparedJob): NewEvent {
  return {
    stream,
    owner: options.owner ?? null,
    type: `${parseStream(stream).domain}.queued`,
    data: { job_id: id, message: waiting },
  };
}

type WrittenRow = {
  readonly id: string;
  readonly seq: number;
  readonly at_ms: number;
};

/** SQL: `enqueue_jobs`, migration 7. */
async function insertJobs(
  queryable: Queryable,
  given: readonly PreparedJob[],
): Promise<readonly WrittenRow[]> {
  const lines = new Lines();
  // Their places are those in which they were given, whatever the order in which they are written.
  const jobs = inWriteOrder(given.map((job) => ({ ...job, place: lines.join(job) })));
  const each = (value: (job: (typeof jobs)[number]) => string | number | null): string =>
    arrayText(jobs.map(value));
  const inserted = await sql<WrittenRow>`
    SELECT * FROM enqueue_jobs(
      ${each(({ id }) => id)}::uuid[], ${each(({ task }) => task.queue)}::text[],
      ${each(({ task }) => task.name)}::text[], ${each(({ task }) => task.version)}::integer[],
      ${each(({ options }) => options.owner ?? null)}::text[],
      ${each(({ id, stream }) => (stream === ownStream(id) ? null : stream))}::text[],
      ${each(priorityOf)}::smallint[],
      ${each(({ delayMs }) => delayMs)}::double precision[],
      ${each(({ options, task }) => options.expiresInMs ?? task.expiresInMs ?? null)}::double precision[],
      ${each(({ task }) => task.retries)}::integer[],
      ${each(({ limitKey }) => limitKey)}::text[], ${each(({ uniqueKey }) => uniqueKey)}::text[],
      ${each(({ options }) => options.idempotencyKey ?? null)}::text[],
      ${each(({ options }) => options.parentId ?? null)}::uuid[],
      ${each(({ input }) => input)}::text[], ${each(({ meta }) => (meta === "{}" ? null : meta))}::text[],
      ${each(({ options: { tags = [] } }) => (tags.length === 0 ? null : tagsText(tags)))}::text[],
      ${each(({ options }) => options.traceParent ?? null)}::text[],
      ${each(({ place }) => place.line)}::integer[], ${each(({ place }) => place.nth)}::integer[],
      ${arrayText(lines.all.map(({ queue }) => queue))}::text[],
      ${arrayText(lines.all.map(({ priority }) => priority))}::smallint[],
      ${arrayText(lines.all.map(({ owner }) => owner))}::text[], ${waiting})`.execute(queryable);
  return inserted.rows;
}

type Line = { readonly queue: string; readonly priority: number; readonly owner: string; size: number };

/** The lines in which jobs stand: those of one queue, priority and owner. */
class Lines {
  readonly all: Line[] = [];
  readonly #numbers = new Map<string, number>();

  /** The number of the job's line, from 1, and how many stand before it there. */
  join(job: PreparedJob): { readonly line: number; readonly nth: number } {
    const { queue } = job.task;
    const priority = priorityOf(job);
    const owner = job.options.owner ?? "";
    const key = `${queue} ${priority} ${owner}`;
    const number = this.#numbers.get(key) ?? this.all.push({ queue, priority, owner, size: 0 });
    this.#numbers.set(key, number);
    const line = this.all[number - 1];
    if (line === undefined) throw new Error("a line has no number");
    return { line: number, nth: line.size++ };
  }
}

function firstState({ delayMs }: PreparedJob): "scheduled" | "queued" {
  return delayMs > 0 ? "scheduled" : "queued";
}

function priorityOf({ options, task }: PreparedJob): number {
  return options.priority ?? task.priority;
}

/**
 * In the order of their keys: two who write the same ones wait for each other in one direction only. Those
 * without a key wait for nobody.
 */
function inWriteOrder<Job extends PreparedJob>(jobs: readonly Job[]): readonly Job[] {
  const keyOf = ({ task, uniqueKey, options }: Job): string | undefined => {
    if (uniqueKey !== null) return `${task.name} 1 ${uniqueKey}`;
    if (options.idempotencyKey === undefined) return undefined;
    return `${task.name} 2 ${options.idempotencyKey} ${options.owner ?? ""}`;
  };
  const keyed = jobs.map((job) => ({ job, key: keyOf(job) ?? "" }));
  if (keyed.every(({ key }) => key === "")) return jobs;
  return keyed.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ job }) => job);
}

/**
 * An array as text: arrays of several lengths can't be unnested beside each other. What PostgreSQL refuses
 * becomes the replacement character, as in JSON.
 */
function tagsText(tags: readonly string[]): string {
  return arrayText(tags.map((tag) => tag.replaceAll("\0", "\uFFFD").toWellFormed()));
}

/** What `given` would be in a job that has forgotten what this one has. */
const asRemembered = sql`
  CASE WHEN jsonb_typeof(given.input::jsonb) = 'object'
    THEN given.input::jsonb - coalesce(job_payload.forgotten, '{}') ELSE given.input::jsonb END`;

/**
 * The jobs that stand in the way of those that were not written, by the ids of the latter. Where several do,
 * the one of the same id counts, else that of the same idempotency key: the caller named that one.
 */
async function findDoubled(queryable: Queryable, missing: readonly PreparedJob[]): Promise<Found["known"]> {
  // One look by an index for each way: joined by "or", all jobs of the task would be compared with all of these.
  const found = await sql<{ id: string; known_id: string; is_same: boolean }>`
    SELECT given.id, known.id AS known_id, known.is_unnamed OR job_payload.input = ${asRemembered} AS is_same
    FROM unnest(
      ${missing.map(({ id }) => id)}::uuid[], ${missing.map(({ task }) => task.name)}::text[],
      ${missing.map(({ options }) => options.owner ?? null)}::text[], ${missing.map(({ uniqueKey }) => uniqueKey)}::text[],
      ${missing.map(({ options }) => options.idempotencyKey ?? null)}::text[], ${missing.map(({ input }) => input)}::text[]
    ) AS given (id, task, owner, unique_key, idempotency_key, input)
    CROSS JOIN LATERAL (
      SELECT job.id, 1 AS rank, false AS is_unnamed FROM job WHERE job.id = given.id AND job.task = given.task
      UNION ALL
      SELECT job.id, 2, false FROM job WHERE job.task = given.task
        AND coalesce(job.owner, '') = coalesce(given.owner, '') AND job.idempotency_key = given.idempotency_key
      UNION ALL
      SELECT job.id, 3, true FROM job
      WHERE job.task = given.task AND job.unique_key = given.unique_key AND job.finished_at IS NULL
    ) AS known
    JOIN job_payload ON job_payload.job_id = known.id
    ORDER BY known.rank DESC`.execute(queryable);
  const records = await findJobs(queryable, [...new Set(found.rows.map((row) => row.known_id))]);
  const byId = new Map(records.map((record) => [record.id, record]));
  const doubled = new Map<string, JobRecord | MillraceError>();
  for (const { id, known_id, is_same } of found.rows) {
    const record = byId.get(known_id);
    if (!is_same) doubled.set(id, known_id === id ? jobIdTaken(id) : idempotencyKeyReused(known_id));
    else if (record !== undefined) doubled.set(id, record);
  }
  return doubled;
}

/** A job as it was written or found, or why it can't be given. */
function recordOf(job: PreparedJob, { given, written, known }: Found): JobRecord | MillraceError {
  const { id, task, stream, options } = job;
  const first = given.get(id);
  if (first?.input !== job.input || first.task.name !== task.name) return jobIdTaken(id);
  const row = written.get(id);
  if (row === undefined) return known.get(id) ?? jobIdTaken(id);
  return {
    ...nothingYet,
    id,
    task: task.name,
    task_version: task.version,
    queue: task.queue,
    owner: options.owner ?? null,
    stream,
    state: firstState(job),
    reason: job.delayMs > 0 ? "delay" : null,
    priority: priorityOf(job),
    parent_id: options.parentId ?? null,
    max_attempts: task.retries + 1,
    run_at: new Date(row.at_ms + job.delayMs),
    created_at: new Date(row.at_ms),
  };
}

/** What a job has none of before its first attempt. */
const nothingYet = {
  attempt: 0,
  crash_count: 0,
  started_at: null,
  finished_at: null,
  workflow_id: null,
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
  put_off: null,
  waiting_for: null,
} as const;
