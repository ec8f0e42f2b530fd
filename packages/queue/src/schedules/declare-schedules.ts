import { createHash } from "node:crypto";
import { jsonText } from "@millrace/database";
import type { QueryAccess, Queryable } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { withWriteScope } from "../write-scope.ts";
import { checkSchedule } from "./check-schedule.ts";
import { readClock } from "./fire-schedules.ts";
import { invalidSchedule, scheduleNameTaken } from "./schedule-errors.ts";
import { completeSchedule } from "./schedule.ts";
import type { NewSchedule, ScheduleFields } from "./schedule.ts";
import { scheduleColumns } from "./schedule-row.ts";
import type { ScheduleRecord } from "./schedule-row.ts";
import type { ScheduleTasks } from "./schedule-tasks.ts";
import { insertSchedule, rewriteSchedule } from "./write-schedule.ts";

export type DeclareOptions = {
  readonly source: "program" | "product";
  /** For whom the jobs of those are done that do not say so themselves. Default nobody. */
  readonly owner?: string;
  /** Who is named as their author. Default the source. */
  readonly by?: string;
};

export type DeclareResult = {
  readonly created: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
};

type Parts = {
  readonly database: QueryAccess;
  readonly tasks: ScheduleTasks;
  readonly clock: RawBuilder<Date>;
};

/**
 * Makes the schedules of a source those of the list, by name, in one transaction: new ones are created, those
 * whose declaration has changed since it was last taken over are changed to it, those that are gone are
 * deleted with what is known of their times. What people have edited stays until the declaration changes; a
 * pause stays even then. The same list again changes nothing. Throws `invalid_schedule`, or
 * `schedule_name_taken` when there is one of another source by that name: then nothing has changed.
 */
export async function declareSchedules(
  { database, tasks, clock }: Parts,
  list: readonly NewSchedule[],
  { source, owner, by = source }: DeclareOptions,
): Promise<DeclareResult> {
  const declared = list.map((given) => completeSchedule({ owner: owner ?? null, ...given }));
  for (const fields of declared) checkSchedule(fields, tasks.find(fields.task));
  assertNamedOnce(declared);
  return await withWriteScope(
    database,
    async ({ transaction }) => {
      const known = await lockDeclared(transaction, source, declared);
      const nowMs = await readClock(transaction, clock);
      const names = new Set(declared.map(({ name }) => name));
      const removed = [...known.values()].filter(({ name }) => !names.has(name));
      await deleteSchedules(transaction, removed);
      const created: string[] = [];
      const changed: string[] = [];
      for (const fields of declared) {
        const former = known.get(fields.name);
        const author = { by, source, declaredHash: hashOf(fields) };
        if (former === undefined) {
          await insertSchedule(transaction, { id: newId(), fields, nowMs, ...author });
          created.push(fields.name);
        } else if (former.declaredHash !== author.declaredHash) {
          await rewriteSchedule(transaction, { former, fields, nowMs, isEdited: false, ...author });
          changed.push(fields.name);
        }
      }
      return { created, changed, removed: removed.map(({ name }) => name) };
    },
    "declare_schedules",
  );
}

function assertNamedOnce(declared: readonly ScheduleFields[]): void {
  const names = new Set<string>();
  for (const { name } of declared) {
    if (names.has(name)) throw invalidSchedule(name, [{ field: "name", message: "is declared twice" }]);
    names.add(name);
  }
}

/** One process at a time: the lock is of this transaction, so that a pooler does no harm. */
async function lockDeclared(
  queryable: Queryable,
  source: string,
  declared: readonly ScheduleFields[],
): Promise<ReadonlyMap<string, ScheduleRecord>> {
  await sql`SELECT pg_advisory_xact_lock(7101938, 0)`.execute(queryable);
  const names = declared.map(({ name }) => name);
  const found = await sql<ScheduleRecord>`
    SELECT ${scheduleColumns} FROM schedule WHERE source = ${source} OR name = ANY(${names}::text[])
    ORDER BY id FOR UPDATE`.execute(queryable);
  const foreign = found.rows.find((row) => row.source !== source);
  if (foreign !== undefined) throw scheduleNameTaken(foreign.name);
  return new Map(found.rows.map((row) => [row.name, row]));
}

async function deleteSchedules(queryable: Queryable, schedules: readonly ScheduleRecord[]): Promise<void> {
  if (schedules.length === 0) return;
  await sql`DELETE FROM schedule WHERE id = ANY(${schedules.map(({ id }) => id)}::uuid[])`.execute(queryable);
}

function hashOf(fields: ScheduleFields): string {
  const sorted = Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(jsonText(sorted)).digest("hex");
}
