import type { Transaction } from "@millrace/database";
import { newId, silentLogger, sleep } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { CompiledQuery, sql } from "kysely";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { findJobs, handleTask, Queue } from "../src/index.ts";
import { expireJobs } from "../src/jobs/promote.ts";
import { reapJobs } from "../src/jobs/reap.ts";
import { TaskRegistry } from "../src/tasks/task-registry.ts";
import { beatStatement } from "../src/worker/beat-statement.ts";
import type { BeatRow } from "../src/worker/beat-statement.ts";
import { createLocalHeartbeat } from "../src/worker/heartbeat.ts";
import { createThreadedHeartbeat } from "../src/worker/threaded-heartbeat.ts";
import { scriptTask } from "./script-task.ts";

/** What goes on while one transaction holds one job's row: a process frozen in the middle of it. */
let opened: TestDatabase;
let queue: Queue;
const endings: (() => Promise<void>)[] = [];

const handler = handleTask({ task: scriptTask, run: () => Promise.reject(new Error("no worker runs this")) });

beforeAll(async () => {
  const kind = testDatabases().find(({ name }) => name === "postgres");
  if (kind === undefined) throw new Error("There is no PostgreSQL on this machine");
  opened = await kind.open();
  queue = new Queue({ database: opened.database, logger: silentLogger, handlers: [handler] });
});
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
  await sql`DELETE FROM job`.execute(opened.database.queryable);
});
afterAll(() => opened.close());

const parts = () => ({
  database: opened.database,
  bus: queue.bus,
  broker: { announce: () => undefined },
  registry: new TaskRegistry([handler]),
});

async function enqueue(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, newId);
  for (const id of ids) {
    await queue.transaction((scope) => queue.enqueue(scope, scriptTask, { script: "x" }, { id }));
  }
  return ids;
}

async function running(count: number, leaseSeconds: number): Promise<string[]> {
  const ids = await enqueue(count);
  await sql`
    UPDATE job SET state = 'running', fence = 1, worker_id = id,
      lease_until = now() + ${leaseSeconds}::double precision * interval '1 second'`.execute(
    opened.database.queryable,
  );
  return ids;
}

/** Holds a job's row until the test ends. */
async function holdRow(id: string): Promise<void> {
  const locked = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const lock = async (transaction: Transaction): Promise<void> => {
    await sql`SELECT 1 FROM job WHERE id = ${id} FOR UPDATE`.execute(transaction);
    locked.resolve();
    await over.promise;
  };
  const held = opened.database.transaction(lock);
  endings.push(async () => {
    over.resolve();
    await held;
  });
  await locked.promise;
}

async function statesOf(ids: readonly string[]): Promise<(string | undefined)[]> {
  const found = await findJobs(opened.database.queryable, ids);
  const states = new Map(found.map((job) => [job.id, job.state]));
  return ids.map((id) => states.get(id));
}

it("takes back the other jobs", async () => {
  const ids = await running(3, -1);
  await holdRow(ids[0]!);

  expect(await reapJobs(parts(), "expired_leases")).toBe(2);

  expect(await statesOf(ids)).toEqual(["running", "queued", "queued"]);
});

it("expires the other jobs", async () => {
  const ids = await enqueue(3);
  await sql`UPDATE job SET expires_at = now() - interval '1 second'`.execute(opened.database.queryable);
  await holdRow(ids[0]!);

  expect(await expireJobs(parts())).toMatchObject({ expired: 2 });

  expect(await statesOf(ids)).toEqual(["queued", "expired", "expired"]);
});

it("extends the leases of the other jobs, and tells the locked one from one that is lost", async () => {
  const ids = await running(3, 5);
  const [locked, free, lost] = ids;
  await sql`UPDATE job SET cancel_requested_at = now() WHERE id = ${locked}`.execute(
    opened.database.queryable,
  );
  await holdRow(locked!);

  const answer = await opened.database.queryable.executeQuery<BeatRow>(
    CompiledQuery.raw(beatStatement, [[locked, free, lost], [1, 1, 7], 60_000]),
  );

  expect(new Map(answer.rows.map((row) => [row.id, row]))).toEqual(
    new Map([
      [locked, { id: locked, is_cancel_requested: true, is_extended: false }],
      [free, { id: free, is_cancel_requested: false, is_extended: true }],
    ]),
  );
  const extended = await sql<{ id: string }>`
    SELECT id FROM job WHERE lease_until > now() + interval '30 seconds'`.execute(opened.database.queryable);
  expect(extended.rows.map(({ id }) => id)).toEqual([free]);
});

it("gives up only the jobs whose beats do not land", async () => {
  const [locked, free, taken] = await running(3, 5);
  await holdRow(locked!);
  const times = { leaseMs: 2_000, beatMs: 200 };
  const heartbeat = createThreadedHeartbeat({
    settings: { url: opened.url ?? "", ...times },
    logger: silentLogger,
  });
  endings.push(() => heartbeat.stop());
  const lost: string[] = [];
  heartbeat.listen({
    onLost: ({ id }) => void lost.push(id),
    onCancelRequested: () => undefined,
  });
  await heartbeat.start();

  for (const id of [locked, free]) heartbeat.hold([{ id: id!, fence: 1 }], 0);
  heartbeat.hold([{ id: taken!, fence: 9 }], 0);
  await expect.poll(() => lost.length).toBe(2);

  expect(lost).toEqual([taken, locked]);
  const leases = await sql<{ id: string }>`SELECT id FROM job WHERE lease_until > now()`.execute(
    opened.database.queryable,
  );
  expect(leases.rows.map(({ id }) => id)).toContain(free);
});

it("is waited for by one beat at a time", async () => {
  const { database } = opened;
  const heartbeat = createLocalHeartbeat({
    database,
    logger: silentLogger,
    times: { leaseMs: 20_000, beatMs: 5 },
    isAlone: true,
  });
  const [id] = await running(1, 20);
  heartbeat.hold([{ id: id!, fence: 1 }], 0);

  const waiting = await database.transaction(async (transaction) => {
    await sql`LOCK TABLE job IN ACCESS EXCLUSIVE MODE`.execute(transaction);
    await heartbeat.start();
    const counts: number[] = [];
    while (counts.length < 30) {
      const found = await sql<{ count: number }>`
        SELECT count(*) AS count FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(transaction);
      // Within a transaction the view is a snapshot, until it is asked for anew.
      await sql`SELECT pg_stat_clear_snapshot()`.execute(transaction);
      const count = found.rows[0]?.count ?? 0;
      if (count > 0) counts.push(count);
      await sleep(5);
    }
    return counts;
  });
  await heartbeat.stop();

  expect(new Set(waiting)).toEqual(new Set([1]));
});
