import { isTerminal } from "@millrace/contracts";
import type { QueryAccess, Queryable } from "@millrace/database";
import { isMillraceError, newId } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { prepareJob } from "../jobs/enqueue.ts";
import type { EnqueueOptions, PreparedJob } from "../jobs/enqueue.ts";
import type { JobRecord } from "../jobs/find-jobs.ts";
import type { Task } from "../tasks/task.ts";
import { withWriteScope } from "../write-scope.ts";
import type { WriteScope } from "../write-scope.ts";
import { planFire } from "./plan-fire.ts";
import { timingOf } from "./schedule.ts";
import { assignments, lockSchedule, millisecond, nextColumns, scheduleColumns } from "./schedule-row.ts";
import type { ScheduleRecord, TickOutcome } from "./schedule-row.ts";
import type { ScheduleTasks } from "./schedule-tasks.ts";

export type FireParts = {
  readonly database: QueryAccess;
  readonly logger: Logger;
  readonly tasks: ScheduleTasks;
  /** Writes jobs in the transaction of the scope, as the queue does. */
  readonly enqueue: (scope: WriteScope, jobs: readonly PreparedJob[]) => Promise<JobRecord[]>;
  /** The present, as the database says it. */
  readonly clock: RawBuilder<Date>;
};

export type Look = {
  /** The database's clock. */
  readonly nowMs: number;
  /** Until the next one is due; negative when it is late; null when there is none. */
  readonly waitMs: number | null;
};

/** How long until a schedule is due whose task is known here and that is not put aside. Writes nothing. */
export async function lookForDue(parts: FireParts, aside: readonly string[]): Promise<Look> {
  const found = await sql<Look>`
    SELECT ${epochMs(parts.clock)} AS "nowMs", ${epochMs(sql`(${firstDue(parts, aside)})`)} - ${epochMs(parts.clock)} AS "waitMs"`.execute(
    parts.database.queryable,
  );
  return found.rows[0] ?? { nowMs: 0, waitMs: null };
}

/** Reads schedule_due in order. */
function firstDue({ tasks }: FireParts, aside: readonly string[]): RawBuilder<unknown> {
  return sql`
    SELECT due_at FROM schedule
    WHERE due_at IS NOT NULL AND paused_at IS NULL AND task = ANY(${tasks.names()}::text[])
      AND id <> ALL(${[...aside]}::uuid[]) ORDER BY due_at LIMIT 1`;
}

/** What `fireNext` did: the schedule it dealt with, undefined when none is due that nobody else deals with. */
export type Fired = { readonly id: string } | undefined;

/**
 * Deals with the schedule that has been due longest, in one transaction: its jobs, the record of its times,
 * and where it goes on. So a time gets its job or does not come at all, also when the process dies; of several
 * who try, one gets the row and the others go on to the next. Should two ever get the same time, the second
 * finds its record there and makes no job.
 */
export async function fireNext(
  parts: FireParts,
  { aside, onLocked }: { readonly aside: readonly string[]; readonly onLocked: (id: string) => void },
): Promise<Fired> {
  return await withWriteScope(
    parts.database,
    async (scope) => {
      const schedule = await lockDue(scope.transaction, parts, aside);
      if (schedule === undefined) return undefined;
      onLocked(schedule.id);
      await fire(scope, parts, schedule);
      return { id: schedule.id };
    },
    "fire_schedule",
  );
}

type DueSchedule = ScheduleRecord & { readonly nowMs: number };

async function lockDue(
  queryable: Queryable,
  { tasks, clock }: FireParts,
  aside: readonly string[],
): Promise<DueSchedule | undefined> {
  const found = await sql<DueSchedule>`
    SELECT ${scheduleColumns}, ${epochMs(clock)} AS "nowMs" FROM schedule
    WHERE due_at <= ${clock} AND paused_at IS NULL AND task = ANY(${tasks.names()}::text[])
      AND id <> ALL(${[...aside]}::uuid[]) ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED`.execute(queryable);
  return found.rows[0];
}

async function fire(scope: WriteScope, parts: FireParts, schedule: DueSchedule): Promise<void> {
  const { id, nextAt, nowMs, jitterMs, misfire, graceMs } = schedule;
  if (nextAt === null) throw new Error("a schedule is due and has no next time");
  const timing = timingOf(schedule, schedule.anchorAt.getTime());
  const plan = planFire({ id, timing, jitterMs, misfire, graceMs, nextMs: nextAt.getTime() }, nowMs);
  const { fire: times, tooLate, missed, nextMs } = plan;
  const late = tooLate === undefined ? [] : [newTick(tooLate, "missed")];
  const fresh = await freshTicks(scope.transaction, schedule, [
    ...times.map((time) => newTick(time)),
    ...late,
  ]);
  const made = await makeJobs(scope, parts, schedule, fresh);
  // What passed before is told with the first that came.
  const ticks = made.map((tick, nth) => (nth === 0 ? { ...tick, missed } : tick));
  await writeTicks(scope.transaction, schedule, ticks);
  await advance(scope.transaction, schedule, { ticks, missed, nextMs });
}

type NewTick = {
  readonly id: string;
  readonly timeMs: number;
  readonly outcome: TickOutcome;
  readonly missed: number;
  readonly jobId: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
};

function newTick(timeMs: number, outcome: TickOutcome = "enqueued"): NewTick {
  return { id: newId(), timeMs, outcome, missed: 0, jobId: null, error: null };
}

/** Those whose times have no record yet: after the clock was put back they come by again. */
async function freshTicks(
  queryable: Queryable,
  { id }: ScheduleRecord,
  ticks: readonly NewTick[],
): Promise<readonly NewTick[]> {
  const times = ticks.map(({ timeMs }) => new Date(timeMs).toISOString());
  const found = await sql<{ scheduled_for: Date }>`
    SELECT scheduled_for FROM schedule_tick
    WHERE schedule_id = ${id} AND NOT is_manual AND scheduled_for = ANY(${times}::timestamptz[])`.execute(
    queryable,
  );
  const known = new Set(found.rows.map((row) => row.scheduled_for.getTime()));
  return ticks.filter(({ timeMs }) => !known.has(timeMs));
}

/** Enqueues the jobs, or says why there are none. */
async function makeJobs(
  scope: WriteScope,
  parts: FireParts,
  schedule: DueSchedule,
  ticks: readonly NewTick[],
): Promise<readonly NewTick[]> {
  const isPending = schedule.overlap === "skip" && (await hasPendingJob(scope.transaction, schedule));
  const allowed = schedule.overlap === "allow" ? ticks.length : isPending ? 0 : 1;
  const outcomes = ticks.map((tick, nth): Prepared => {
    if (tick.outcome === "missed") return { tick };
    return nth < allowed ? prepared(parts, schedule, tick) : { tick: { ...tick, outcome: "overlap" } };
  });
  const jobs = outcomes.flatMap(({ job }) => (job === undefined ? [] : [job]));
  const records = jobs.length === 0 ? [] : await parts.enqueue(scope, jobs);
  const byId = new Map(jobs.map((job, nth) => [job.id, records[nth]]));
  return outcomes.map(({ tick, job }) => {
    if (job === undefined) return tick;
    const record = byId.get(job.id);
    // A pending job with its unique key stands for this one.
    const outcome = record?.id === job.id ? "enqueued" : "overlap";
    return { ...tick, outcome, jobId: record?.id ?? null };
  });
}

type Prepared = { readonly tick: NewTick; readonly job?: PreparedJob };

/** A job that can't be made, because its input fits no more, must not keep later times from theirs. */
function prepared({ tasks, logger }: FireParts, schedule: ScheduleRecord, tick: NewTick): Prepared {
  try {
    return { tick, job: prepareScheduled(tasks.get(schedule), schedule, tick.timeMs) };
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    logger.warn({ err: error, schedule: schedule.name }, "a schedule could not make its job");
    return { tick: { ...tick, outcome: "refused", error: { code: error.code, message: error.message } } };
  }
}

/** A job of a schedule, marked as such. */
function prepareScheduled(task: Task, schedule: ScheduleRecord, timeMs: number): PreparedJob {
  const { queue, priority, expiresInMs, owner, tags, input } = schedule;
  const options: EnqueueOptions = {
    tags,
    meta: {
      schedule_id: schedule.id,
      schedule_name: schedule.name,
      scheduled_for: new Date(timeMs).toISOString(),
    },
    ...(priority === null ? {} : { priority }),
    ...(expiresInMs === null ? {} : { expiresInMs }),
    ...(owner === null ? {} : { owner }),
  };
  return prepareJob(queue === null ? task : { ...task, queue }, input, options);
}

/**
 * Looks at its last job, and at the last hundred that it made: whoever skips overlaps has one pending, and those
 * that were asked for.
 */
async function hasPendingJob(queryable: Queryable, { id, lastJobState }: ScheduleRecord): Promise<boolean> {
  if (lastJobState !== null && !isTerminal(lastJobState)) return true;
  const found = await sql`
    SELECT FROM (
      SELECT job_id FROM schedule_tick WHERE schedule_id = ${id} AND job_id IS NOT NULL
      ORDER BY id DESC LIMIT 100) AS newest
    JOIN job ON job.id = newest.job_id WHERE job.finished_at IS NULL LIMIT 1`.execute(queryable);
  return found.rows.length > 0;
}

async function writeTicks(
  queryable: Queryable,
  schedule: DueSchedule,
  ticks: readonly NewTick[],
): Promise<void> {
  if (ticks.length === 0) return;
  const each = <Value>(value: (tick: NewTick) => Value): Value[] => ticks.map(value);
  await sql`
    INSERT INTO schedule_tick (id, schedule_id, scheduled_for, fired_at, outcome, missed, job_id, error_code,
                               error_message)
    SELECT id, ${schedule.id}, scheduled_for, ${millisecond(schedule.nowMs)}, outcome, missed, job_id, error_code,
           error_message
    FROM unnest(${each(({ id }) => id)}::uuid[],
      ${each(({ timeMs }) => new Date(timeMs).toISOString())}::timestamptz[],
      ${each(({ outcome }) => outcome)}::text[], ${each(({ missed }) => missed)}::integer[],
      ${each(({ jobId }) => jobId)}::uuid[], ${each(({ error }) => error?.code ?? null)}::text[],
      ${each(({ error }) => error?.message ?? null)}::text[])
      AS given (id, scheduled_for, outcome, missed, job_id, error_code, error_message)`.execute(queryable);
}

async function advance(
  queryable: Queryable,
  schedule: ScheduleRecord,
  {
    ticks,
    missed,
    nextMs,
  }: {
    readonly ticks: readonly NewTick[];
    readonly missed: number;
    readonly nextMs: number | null;
  },
): Promise<void> {
  const runs = ticks.filter(({ outcome }) => outcome === "enqueued");
  const without = ticks.length - runs.length;
  const last = runs.at(-1);
  const error = ticks.at(-1)?.error ?? null;
  const columns = [
    ...nextColumns(schedule, nextMs),
    ["total_runs", sql`total_runs + ${runs.length}::integer`] as const,
    ["total_missed", sql`total_missed + ${missed + without}::integer`] as const,
    ["last_error_code", sql`${error?.code ?? null}`] as const,
    ["last_error_message", sql`${error?.message ?? null}`] as const,
    ...(last === undefined
      ? []
      : [["last_at", millisecond(last.timeMs)] as const, ["last_job_id", sql`${last.jobId}::uuid`] as const]),
  ];
  await sql`UPDATE schedule SET ${assignments(columns)} WHERE id = ${schedule.id}`.execute(queryable);
}

/**
 * Makes a job of a schedule now, whatever its state, beside its times: it goes on where it was. Throws
 * `schedule_not_found`, `invalid_schedule` when its task is not known here, and as enqueueing does.
 */
export async function runNow(parts: FireParts, idOrName: string, by: string): Promise<JobRecord> {
  return await withWriteScope(
    parts.database,
    async (scope) => {
      const schedule = await lockSchedule(scope.transaction, idOrName);
      const nowMs = await readClock(scope.transaction, parts.clock);
      const job = prepareScheduled(parts.tasks.get(schedule), schedule, nowMs);
      const [record] = await parts.enqueue(scope, [job]);
      if (record === undefined) throw new Error("one job was given and none came back");
      const now = millisecond(nowMs);
      await sql`
        INSERT INTO schedule_tick (id, schedule_id, scheduled_for, fired_at, outcome, job_id, is_manual, asked_by)
        VALUES (${newId()}, ${schedule.id}, ${now}, ${now},
                ${record.id === job.id ? "enqueued" : "overlap"}, ${record.id}, true, ${by})`.execute(
        scope.transaction,
      );
      await sql`
        UPDATE schedule SET last_at = ${now}, last_job_id = ${record.id}, total_runs = total_runs + 1,
          last_error_code = NULL, last_error_message = NULL WHERE id = ${schedule.id}`.execute(
        scope.transaction,
      );
      return record;
    },
    "fire_schedule",
  );
}

/** The database's clock, in whole milliseconds since 1970. */
export async function readClock(queryable: Queryable, clock: RawBuilder<Date>): Promise<number> {
  const found = await sql<{ nowMs: number }>`SELECT ${epochMs(clock)} AS "nowMs"`.execute(queryable);
  return found.rows[0]?.nowMs ?? 0;
}

function epochMs(time: RawBuilder<unknown>): RawBuilder<number> {
  return sql`floor(extract(epoch FROM ${time}) * 1000)::double precision`;
}
