import type { Database } from "@millrace/database";
import { newId } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type { PreparedJob } from "../jobs/enqueue.ts";
import type { JobRecord } from "../jobs/find-jobs.ts";
import { commit } from "../crash-point.ts";
import { withWriteScope } from "../write-scope.ts";
import type { WriteScope } from "../write-scope.ts";
import { checkSchedule, checkTiming } from "./check-schedule.ts";
import { declareSchedules } from "./declare-schedules.ts";
import type { DeclareOptions, DeclareResult } from "./declare-schedules.ts";
import { readClock, runNow } from "./fire-schedules.ts";
import { invalidSchedule, scheduleIsDeclared } from "./schedule-errors.ts";
import { changeSchedule, completeSchedule, timingOf } from "./schedule.ts";
import type { NewSchedule, ScheduleChanges, ScheduleFields } from "./schedule.ts";
import { getSchedule, listSchedules, listTicks, lockSchedule } from "./schedule-row.ts";
import type { ScheduleFilter, ScheduleRecord, TickRecord } from "./schedule-row.ts";
import type { ScheduleTasks } from "./schedule-tasks.ts";
import { createScheduler } from "./scheduler.ts";
import type { Scheduler, SchedulerOptions } from "./scheduler.ts";
import { nextTime, nextTimes } from "./timing.ts";
import { haveTimesChanged, insertSchedule, rewriteSchedule } from "./write-schedule.ts";

export type ScheduleParts = {
  readonly database: Database;
  readonly logger: Logger;
  readonly tasks: ScheduleTasks;
  /** Writes jobs in the transaction of the scope, as the queue does. */
  readonly enqueue: (scope: WriteScope, jobs: readonly PreparedJob[]) => Promise<JobRecord[]>;
  /** The present, as the database says it. Default its clock. */
  readonly clock?: RawBuilder<Date>;
};

/** Who does it, for the record. */
type By = { readonly by: string };

/** When jobs are made by themselves: rows in the database, which every worker looks at. */
export class Schedules {
  readonly #parts: ScheduleParts & { readonly clock: RawBuilder<Date> };
  readonly #schedulers = new Set<Scheduler>();

  constructor(parts: ScheduleParts) {
    this.#parts = { clock: sql<Date>`clock_timestamp()`, ...parts };
  }

  /**
   * Makes a schedule. Throws `invalid_schedule` with every field that can't be, also when it would never run,
   * and `schedule_name_taken`.
   */
  async create(given: NewSchedule, { by }: By): Promise<ScheduleRecord> {
    const fields = completeSchedule(given);
    checkSchedule(fields, this.#parts.tasks.find(fields.task));
    const id = newId();
    return await this.#change(async ({ transaction }) => {
      const nowMs = await readClock(transaction, this.#parts.clock);
      assertComes(fields, nowMs);
      return insertSchedule(transaction, { id, fields, nowMs, by, source: "person", declaredHash: null });
    });
  }

  /**
   * Changes what is given of a schedule, for all schedulers at once. With other times it goes on from now by
   * the new ones. Throws `schedule_not_found` and as `create` does.
   */
  async update(idOrName: string, changes: ScheduleChanges, { by }: By): Promise<ScheduleRecord> {
    return await this.#change(async ({ transaction }) => {
      const former = await lockSchedule(transaction, idOrName);
      const fields = changeSchedule(former, changes);
      checkSchedule(fields, this.#parts.tasks.find(fields.task));
      const nowMs = await readClock(transaction, this.#parts.clock);
      if (haveTimesChanged(former, fields)) assertComes(fields, nowMs);
      const isEdited = former.source !== "person";
      return rewriteSchedule(transaction, { former, fields, nowMs, by, isEdited });
    });
  }

  /** Deletes it with what is known of its times; its jobs stay. Throws `schedule_not_found` or `schedule_is_declared`. */
  async delete(idOrName: string): Promise<void> {
    await this.#change(async ({ transaction }) => {
      const { id, name, source } = await lockSchedule(transaction, idOrName);
      if (source !== "person") throw scheduleIsDeclared(name, source);
      await sql`DELETE FROM schedule WHERE id = ${id}`.execute(transaction);
    });
  }

  /** Newest first. See `ScheduleFilter`. */
  list(filter: ScheduleFilter): Promise<ScheduleRecord[]> {
    return listSchedules(this.#parts.database.queryable, filter);
  }

  /** By id or name. Throws `schedule_not_found`. */
  get(idOrName: string): Promise<ScheduleRecord> {
    return getSchedule(this.#parts.database.queryable, idOrName);
  }

  /** What became of its times, newest first: which jobs, and why none. Throws `schedule_not_found`. */
  async listRuns(
    idOrName: string,
    page: { readonly before?: string | undefined; readonly limit: number },
  ): Promise<TickRecord[]> {
    const { id } = await this.get(idOrName);
    return await listTicks(this.#parts.database.queryable, id, page);
  }

  /** Lets no time of it come. To pause what is paused replaces who and why. Throws `schedule_not_found`. */
  async pause(
    idOrName: string,
    { by, reason = null }: By & { readonly reason?: string | null },
  ): Promise<ScheduleRecord> {
    const { database } = this.#parts;
    const { id } = await this.get(idOrName);
    const pause = sql`
      UPDATE schedule SET paused_at = coalesce(paused_at, now()), paused_by = ${by}, pause_reason = ${reason},
        updated_at = now(), updated_by = ${by} WHERE id = ${id}`;
    await commit("change_schedule", () => pause.execute(database.queryable));
    return await this.get(id);
  }

  /**
   * Lets it go on. What its times were meanwhile is dealt with as its misfire policy says. To resume what is
   * not paused does nothing. Throws `schedule_not_found`.
   */
  async resume(idOrName: string, { by }: By): Promise<ScheduleRecord> {
    const { database } = this.#parts;
    const { id } = await this.get(idOrName);
    const resume = sql`
      UPDATE schedule SET paused_at = NULL, paused_by = NULL, pause_reason = NULL, updated_at = now(),
        updated_by = ${by} WHERE id = ${id} AND paused_at IS NOT NULL`;
    await commit("change_schedule", () => resume.execute(database.queryable));
    this.#wake();
    return await this.get(id);
  }

  /** Makes a job of it now, beside its times. See `runNow`. */
  runNow(idOrName: string, { by }: By): Promise<JobRecord> {
    return runNow(this.#parts, idOrName, by);
  }

  /** Its next times, without jitter; of a paused one, as it would go on now. Throws `schedule_not_found`. */
  async nextRuns(idOrName: string, count = 10): Promise<Date[]> {
    const record = await this.get(idOrName);
    // One that ended has no times to come, though its rule may have.
    return record.nextAt === null ? [] : await this.#nextRuns(record, record.anchorAt.getTime(), count);
  }

  /** The next times of a schedule that is not made yet. Throws `invalid_schedule`. */
  async preview(given: Omit<NewSchedule, "name" | "task">, count = 10): Promise<Date[]> {
    const fields = completeSchedule({ ...given, name: "preview", task: "" });
    checkTiming(fields);
    return await this.#nextRuns(fields, fields.startAt?.getTime(), count);
  }

  /** See `declareSchedules`: with the whole list of a source, also when it is empty. */
  async declare(list: readonly NewSchedule[], options: DeclareOptions): Promise<DeclareResult> {
    const result = await declareSchedules(this.#parts, list, options);
    this.#wake();
    return result;
  }

  /** Its input without what its task says nobody is to see; of a task that is not known here, nothing of it. */
  shownInput({ task, input }: ScheduleRecord): unknown {
    return this.#parts.tasks.redact(task, input);
  }

  /** What makes the jobs; a worker runs one. */
  createScheduler(options: SchedulerOptions): Scheduler {
    const scheduler = createScheduler({ ...this.#parts, database: this.#parts.database.background }, options);
    this.#schedulers.add(scheduler);
    return {
      ...scheduler,
      stop: async () => {
        this.#schedulers.delete(scheduler);
        await scheduler.stop();
      },
    };
  }

  async #nextRuns(fields: ScheduleFields, anchorMs: number | undefined, count: number): Promise<Date[]> {
    const nowMs = await readClock(this.#parts.database.queryable, this.#parts.clock);
    return nextTimes(timingOf(fields, anchorMs ?? nowMs), nowMs, count).map((ms) => new Date(ms));
  }

  async #change<Result>(work: (scope: WriteScope) => Promise<Result>): Promise<Result> {
    const result = await withWriteScope(this.#parts.database, work, "change_schedule");
    this.#wake();
    return result;
  }

  #wake(): void {
    for (const scheduler of this.#schedulers) scheduler.wake();
  }
}

/** A person who makes one that never comes made a mistake. */
function assertComes(fields: ScheduleFields, nowMs: number): void {
  if (nextTime(timingOf(fields, fields.startAt?.getTime() ?? nowMs), nowMs) !== null) return;
  const field = fields.at === null ? "end_at" : "at";
  throw invalidSchedule(fields.name, [{ field, message: "leaves no time to come: it would never run" }]);
}
