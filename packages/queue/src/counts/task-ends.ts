import type { QueryAccess, Queryable } from "@millrace/database";
import { sql } from "kysely";
import { commit } from "../crash-point.ts";
import type { EventBus } from "../events/event-bus.ts";

type Ends = { succeeded: number; failed: number };

/**
 * Counts by task how the jobs ended that this process ends, and adds them up with those of others. What was
 * counted since the last time is lost with a process that is killed: it is for a share, not for a bill.
 */
export class TaskEnds {
  #ends = new Map<string, Ends>();

  constructor(bus: EventBus) {
    bus.onTransition(({ type, job }) => {
      if (type === "succeeded" || type === "failed") this.#add(job.task, type, 1);
    });
  }

  /** Writes what was counted since the last time; when that fails, it is for the next time. */
  async write(database: QueryAccess): Promise<void> {
    const ends = this.#ends;
    if (ends.size === 0) return;
    this.#ends = new Map();
    // In the order of the key: processes that write at the same time wait for each other in one direction.
    const rows = [...ends].toSorted(([left], [right]) => (left < right ? -1 : 1));
    const tasks = rows.map(([task]) => task);
    const statement = sql`
      INSERT INTO task_end_count AS known (minute, task, state, count)
      SELECT date_trunc('minute', now()), task, state, count FROM unnest(
        ${[...tasks, ...tasks]}::text[],
        ${[...tasks.map(() => "failed"), ...tasks.map(() => "succeeded")]}::text[],
        ${[...rows.map(([, { failed }]) => failed), ...rows.map(([, { succeeded }]) => succeeded)]}::bigint[]
      ) AS given (task, state, count)
      WHERE count > 0 ORDER BY state, task
      ON CONFLICT (minute, task, state) DO UPDATE SET count = known.count + excluded.count`;
    try {
      await commit("count_task_ends", () => statement.execute(database.queryable));
    } catch (error) {
      for (const [task, { succeeded, failed }] of ends) {
        this.#add(task, "succeeded", succeeded);
        this.#add(task, "failed", failed);
      }
      throw error;
    }
  }

  #add(task: string, state: keyof Ends, count: number): void {
    const ends = this.#ends.get(task) ?? { succeeded: 0, failed: 0 };
    ends[state] += count;
    this.#ends.set(task, ends);
  }
}

/** Jobs of a task that ended within some time. */
export type TaskEndCount = { readonly task: string; readonly succeeded: number; readonly failed: number };

/** As `readEndCounts`, by task; only those of which some failed. */
export async function readTaskEndCounts(
  queryable: Queryable,
  withinSeconds: number,
): Promise<TaskEndCount[]> {
  const found = await sql<TaskEndCount>`
    SELECT task, coalesce(sum(count) FILTER (WHERE state = 'succeeded'), 0)::bigint AS succeeded,
           sum(count) FILTER (WHERE state = 'failed')::bigint AS failed
    FROM task_end_count
    WHERE minute > now() - ${withinSeconds}::double precision * interval '1 second'
    GROUP BY task HAVING count(*) FILTER (WHERE state = 'failed') > 0 ORDER BY task`.execute(queryable);
  return found.rows;
}
