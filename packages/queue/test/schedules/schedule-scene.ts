import { silentLogger } from "@millrace/kernel";
import type { TestDatabaseKind } from "@millrace/testing";
import { sql } from "kysely";
import { z } from "zod";
import { createMemoryBroker } from "../../src/brokers/memory-broker.ts";
import { EventBus } from "../../src/events/event-bus.ts";
import { defineTask } from "../../src/index.ts";
import type { Task } from "../../src/index.ts";
import { enqueueJobs } from "../../src/jobs/enqueue.ts";
import { fireNext, lookForDue } from "../../src/schedules/fire-schedules.ts";
import type { FireParts } from "../../src/schedules/fire-schedules.ts";
import { realignSchedules } from "../../src/schedules/realign.ts";
import { createScheduleTasks } from "../../src/schedules/schedule-tasks.ts";
import { Schedules } from "../../src/schedules/schedules.ts";
import { TaskRegistry } from "../../src/tasks/task-registry.ts";
import { withWriteScope } from "../../src/write-scope.ts";

export const report = defineTask({
  name: "reports.send_report",
  queue: "reports",
  input: z.object({ to: z.string() }),
  output: z.null(),
});

export type MadeJob = {
  readonly id: string;
  readonly queue: string;
  readonly priority: number;
  readonly owner: string | null;
  readonly input: unknown;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, unknown>>;
};

export type Scene = Awaited<ReturnType<typeof openScene>>;

/** Schedules on a database whose clock stands where the test puts it, and what fires them. */
export async function openScene(kind: TestDatabaseKind, tasks: readonly Task[] = [report]) {
  const opened = await kind.open();
  const { database } = opened;
  const { queryable } = database;
  await sql`CREATE TABLE test_clock (at timestamptz NOT NULL)`.execute(queryable);
  await sql`INSERT INTO test_clock VALUES ('2027-01-01T00:00:00Z')`.execute(queryable);
  const bus = new EventBus(silentLogger);
  /** A process that knows these tasks. */
  const partsFor = (known: readonly Task[]): FireParts => ({
    database,
    logger: silentLogger,
    tasks: createScheduleTasks(new TaskRegistry([], { tasks: known })),
    enqueue: (scope, jobs) => enqueueJobs(scope, { bus, broker: createMemoryBroker() }, jobs),
    clock: sql<Date>`(SELECT at FROM test_clock)`,
  });
  const parts = partsFor(tasks);
  const schedules = new Schedules({ ...parts, database });
  return {
    ...opened,
    parts,
    partsFor,
    schedules,
    /** Puts the database's clock at a time. */
    setClock: async (time: string) =>
      void (await sql`UPDATE test_clock SET at = ${time}::timestamptz`.execute(queryable)),
    /** Deals with everything that is due; how many schedules that were. */
    fireAll: async (by: FireParts = parts) => {
      for (let count = 0; ; count++) {
        if ((await fireNext(by, { aside: [], onLocked: () => undefined })) === undefined) return count;
      }
    },
    look: () => lookForDue(parts, []),
    realign: () => realignSchedules(database, parts.clock),
    /** The jobs that schedules made, in the order of their times. */
    jobs: async (): Promise<MadeJob[]> => {
      const found = await sql<MadeJob>`
        SELECT job.id, queue, priority, job.owner, input, tags, meta FROM job JOIN job_payload ON job_id = job.id
        ORDER BY meta ->> 'scheduled_for', job.id`.execute(queryable);
      return found.rows;
    },
    times: async (): Promise<unknown[]> => {
      const found = await sql<{ time: string }>`
        SELECT meta ->> 'scheduled_for' AS time FROM job_payload ORDER BY 1`.execute(queryable);
      return found.rows.map(({ time }) => time);
    },
    endJobs: async () => {
      await sql`UPDATE job SET state = 'succeeded', finished_at = now(), output = '{}' WHERE finished_at IS NULL`.execute(
        queryable,
      );
    },
    clear: async () => {
      for (const table of ["schedule", "job", "job_payload"]) {
        await sql`DELETE FROM ${sql.table(table)}`.execute(queryable);
      }
      await sql`UPDATE test_clock SET at = '2027-01-01T00:00:00Z'`.execute(queryable);
    },
    transaction: <Result>(work: Parameters<typeof withWriteScope<Result>>[1]) =>
      withWriteScope(database, work, "caller"),
  };
}
