import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import { commit } from "../crash-point.ts";
import { parseRateLimit } from "../tasks/rate-limit.ts";
import type { RateLimit } from "../tasks/rate-limit.ts";
import { assertTaskName } from "./names.ts";
import { assertCount, maxCount } from "./queue-settings.ts";

/** Where a limit may stand: there is none, whatever the program declares. */
export type NoLimit = "none";

/**
 * Limits of a task that go before its program's. What is left out stays as it is; null is the program's again;
 * `none` lifts the program's.
 */
export type TaskLimits = {
  /** Starts per time over all workers, as `10/m`. */
  readonly rateLimit?: string | null;
  /** The same, for each key. */
  readonly keyRateLimit?: string | null;
  /** Jobs at once, over all workers. 0 lets nothing start. */
  readonly concurrency?: number | NoLimit | null;
  /** The same, for each key. */
  readonly keyConcurrency?: number | NoLimit | null;
};

/** What people have set for a task, under the names that the task itself has: it is laid over the task. */
export type TaskControl = {
  readonly rateLimit?: RateLimit | NoLimit;
  readonly keyRateLimit?: RateLimit | NoLimit;
  readonly concurrency?: number | NoLimit;
  readonly keyConcurrency?: number | NoLimit;
};

/** No limit as it is stored: what nobody can set in another way, or what nobody would ever reach. */
const storedNone = { rate: "0/s", count: maxCount } as const;

/**
 * Sets limits of a task for all workers, which take them up with their next look; null takes all of them
 * back. Throws `invalid_task_name`, `invalid_rate_limit` or `invalid_limit`.
 */
export async function setTaskLimits(
  database: QueryAccess,
  task: string,
  { limits, by }: { readonly limits: TaskLimits | null; readonly by: string },
): Promise<void> {
  assertTaskName(task);
  if (limits === null) {
    const forget = sql`DELETE FROM task_control WHERE task = ${task}`;
    await commit("task_limits", () => forget.execute(database.queryable));
    return;
  }
  const concurrency = storedCount("concurrency", limits.concurrency);
  const keyConcurrency = storedCount("keyConcurrency", limits.keyConcurrency);
  const rateLimit = storedRate(limits.rateLimit);
  const keyRateLimit = storedRate(limits.keyRateLimit);
  const kept = (value: unknown, column: string) =>
    value === undefined ? sql.ref(`known.${column}`) : sql.ref(`excluded.${column}`);
  const write = sql`
    INSERT INTO task_control AS known (task, rate_limit, key_rate_limit, max_running, key_max_running, updated_by)
    VALUES (${task}, ${rateLimit ?? null}, ${keyRateLimit ?? null}, ${concurrency ?? null},
            ${keyConcurrency ?? null}, ${by})
    ON CONFLICT (task) DO UPDATE SET
      rate_limit = ${kept(rateLimit, "rate_limit")}, key_rate_limit = ${kept(keyRateLimit, "key_rate_limit")},
      max_running = ${kept(concurrency, "max_running")},
      key_max_running = ${kept(keyConcurrency, "key_max_running")},
      updated_by = excluded.updated_by, updated_at = now()`;
  await commit("task_limits", () => write.execute(database.queryable));
}

/** In the one form that the database accepts, so that whoever reads it can. */
function storedRate(limit: string | null | undefined): string | null | undefined {
  if (typeof limit !== "string") return limit;
  if (limit === "none") return storedNone.rate;
  parseRateLimit(limit);
  return limit.replaceAll(/\s/g, "");
}

function storedCount(field: string, count: number | NoLimit | null | undefined): number | null | undefined {
  if (count === "none") return storedNone.count;
  assertCount(field, count);
  return count;
}

type TaskControlRow = {
  readonly task: string;
  readonly rate_limit: string | null;
  readonly key_rate_limit: string | null;
  readonly max_running: number | null;
  readonly key_max_running: number | null;
};

/** Everything that people have set for tasks, by the task's name. A few rows: workers read all of them. */
export async function readTaskControls(database: QueryAccess): Promise<Map<string, TaskControl>> {
  const found = await sql<TaskControlRow>`
    SELECT task, rate_limit, key_rate_limit, max_running, key_max_running FROM task_control`.execute(
    database.queryable,
  );
  return new Map(found.rows.map((row) => [row.task, toControl(row)]));
}

function toControl(row: TaskControlRow): TaskControl {
  return {
    ...(row.rate_limit === null ? {} : { rateLimit: readRate(row.rate_limit) }),
    ...(row.key_rate_limit === null ? {} : { keyRateLimit: readRate(row.key_rate_limit) }),
    ...(row.max_running === null ? {} : { concurrency: readCount(row.max_running) }),
    ...(row.key_max_running === null ? {} : { keyConcurrency: readCount(row.key_max_running) }),
  };
}

function readRate(stored: string): RateLimit | NoLimit {
  return stored === storedNone.rate ? "none" : parseRateLimit(stored);
}

function readCount(stored: number): number | NoLimit {
  return stored === storedNone.count ? "none" : stored;
}
