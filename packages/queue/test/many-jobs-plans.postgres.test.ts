import type { QueryAccess, Queryable, Transaction } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createMemoryBroker } from "../src/brokers/memory-broker.ts";
import { isKnownTask } from "../src/control/known-task.ts";
import { countPurgeable, purgeQueue } from "../src/control/purge.ts";
import { readQueueOverviews } from "../src/counts/queue-overview.ts";
import { EventBus } from "../src/events/event-bus.ts";
import { groupFailures } from "../src/jobs/group-failures.ts";
import { listJobs } from "../src/jobs/list-jobs.ts";
import { TaskRegistry } from "../src/tasks/task-registry.ts";
import { writeJobs } from "./control-jobs.ts";

const jobs = 200_000;
const owner = "the owner";
let opened: TestDatabase;

beforeAll(async () => {
  const kind = testDatabases().find(({ name }) => name === "postgres");
  if (kind === undefined) throw new Error("this test needs PostgreSQL");
  opened = await kind.open();
  const { queryable } = opened.database;
  // One in a thousand failed, as many are in each state of those that have not ended, one in two thousand has a tag:
  // the newest of each far from the newest of all.
  await sql`
    WITH given AS (
      SELECT lpad(to_hex(nth), 12, '0') AS name, nth,
             coalesce(CASE WHEN nth <= ${jobs / 2} THEN
               ('{failed,running,scheduled,waiting,blocked}'::text[])[nth % 1000 + 1] END, 'succeeded') AS state
      FROM generate_series(1, ${jobs}) AS nth
    ), written AS (
      INSERT INTO job (id, queue, task, owner, stream, state, reason, max_attempts, retries, finished_at, created_at,
                       error_code, worker_id, lease_until)
      SELECT ('00000000-0000-7000-8000-' || name)::uuid, 'tests', 'tests.run_script', ${owner}, 'job:' || nth, state,
             CASE WHEN state = 'scheduled' THEN 'retry' END, 4, 3,
             CASE WHEN state IN ('failed', 'succeeded') THEN now() END, now(),
             CASE WHEN state = 'failed' THEN 'timeout' END, CASE WHEN state = 'running' THEN gen_random_uuid() END,
             CASE WHEN state = 'running' THEN now() END
      FROM given
    )
    INSERT INTO job_payload (job_id, owner, input, tags)
    SELECT ('00000000-0000-7000-8000-' || name)::uuid, ${owner}, '{}',
           CASE WHEN nth % 2000 = 0 AND state = 'failed' THEN '{rare}'::text[] ELSE '{}' END FROM given`.execute(
    queryable,
  );
  await sql`VACUUM ANALYZE job`.execute(queryable);
  await sql`VACUUM ANALYZE job_payload`.execute(queryable);
});
afterAll(() => opened.close());

/** How often the work reads an index, and all of a table. */
async function readsOf(work: (transaction: Transaction) => Promise<unknown>, index: string) {
  return await opened.database.transaction(async (transaction) => {
    const count = () => readCounts(transaction, index);
    // Not 0: what was read before in this session is counted with it for a second.
    const before = await count();
    await work(transaction);
    const after = await count();
    return {
      index: after.index - before.index,
      rows: after.rows - before.rows,
      all_jobs: after.all_jobs - before.all_jobs,
      all_payloads: after.all_payloads - before.all_payloads,
    };
  });
}

async function readCounts(queryable: Queryable, index: string) {
  const read = await sql<{ index: number; rows: number; all_jobs: number; all_payloads: number }>`
    SELECT pg_stat_get_xact_numscans(${index}::regclass)::integer AS index,
           pg_stat_get_xact_tuples_fetched('job'::regclass)::integer AS rows,
           pg_stat_get_xact_numscans('job'::regclass)::integer AS all_jobs,
           pg_stat_get_xact_numscans('job_payload'::regclass)::integer AS all_payloads`.execute(queryable);
  return read.rows[0]!;
}

it.each([
  ["failed jobs", { states: ["failed"] as const }, "job_by_state"],
  ["failed jobs with a code", { states: ["failed"] as const, errorCode: "timeout" }, "job_by_state"],
  ["jobs that run", { states: ["running"] as const }, "job_running"],
  ["scheduled jobs", { states: ["scheduled"] as const }, "job_by_state"],
  ["waiting jobs of a task", { states: ["waiting"] as const, task: "tests.run_script" }, "job_by_state"],
  ["blocked jobs", { states: ["blocked"] as const }, "job_by_state"],
  ["jobs that failed or run, of both", { states: ["failed", "running", "failed"] as const }, "job_running"],
  ["jobs with a tag", { tag: "rare" }, "job_payload_tags"],
  ["the newest jobs", {}, "job_payload_owner"],
])("lists %s by their index, and reads no table as a whole", async (_what, filter, index) => {
  const list = (queryable: Queryable) => listJobs(queryable, { ...filter, owners: [owner, null], limit: 21 });

  expect(new Set((await list(opened.database.queryable)).map(({ id }) => id)).size).toBe(21);
  const reads = await readsOf(list, index);

  expect(reads.index).toBeGreaterThan(0);
  expect(reads).toMatchObject({ all_jobs: 0, all_payloads: 0 });
});

it("groups failures by the index of the jobs that did not succeed", async () => {
  const reads = await readsOf(
    (queryable) => groupFailures(queryable, { owners: [owner], limit: 10 }),
    "job_by_state",
  );

  expect(reads.index).toBeGreaterThan(0);
  expect(reads.all_jobs).toBe(0);
});

it("shows how queues stand without reading all jobs", async () => {
  const reads = await readsOf((queryable) => readQueueOverviews(queryable), "job_finished_at");

  expect(reads.index).toBeGreaterThan(0);
  expect(reads.all_jobs).toBe(0);
});

it("says that nobody knows a task without reading all jobs", async () => {
  const isKnown = (queryable: Queryable) =>
    isKnownTask({ ...opened.database, queryable }, "tests.run_scirpt");

  expect(await isKnown(opened.database.queryable)).toBe(false);
  const reads = await readsOf(isKnown, "job_by_state");

  expect(reads.index).toBeGreaterThan(0);
  expect(reads.all_jobs).toBe(0);
});

/** A purge in the transaction whose reads are counted. */
const purgeIn = (transaction: Transaction, queue: string) => {
  const database: QueryAccess = { queryable: transaction, transaction: (work) => work(transaction) };
  const parts = {
    database,
    bus: new EventBus(silentLogger),
    broker: createMemoryBroker(),
    registry: new TaskRegistry([]),
    onCancelRequested: () => undefined,
  };
  return purgeQueue(parts, queue);
};

it("counts what there is to purge, and purges it, without reading all jobs", async () => {
  const { queryable } = opened.database;
  await writeJobs(queryable, { count: 1_000, queue: "purged" });
  await writeJobs(queryable, { count: 1_000, queue: "purged", state: "scheduled" });

  const counted = await readsOf(async (transaction) => {
    expect((await countPurgeable({ ...opened.database, queryable: transaction }, "purged", null)).count).toBe(
      2_000,
    );
  }, "job_by_state");
  const purged = await readsOf(async (transaction) => {
    expect(await purgeIn(transaction, "purged")).toEqual({ cancelled: 2_000, left: 0 });
  }, "job_claim_oldest");

  expect(counted).toMatchObject({ all_jobs: 0 });
  expect(counted.rows).toBeLessThan(3_000);
  expect(purged).toMatchObject({ all_jobs: 0 });
  // Each is found, locked, looked at and ended by its own index.
  expect(purged.rows).toBeLessThan(40_000);
});

it("looks for failures among the newest 100,000 of all, whoever's they are", async () => {
  await writeJobs(opened.database.queryable, { count: 100_001, queue: "others", state: "failed" });

  const { groups, examined, isPartial } = await groupFailures(opened.database.queryable, {
    owners: [owner],
    limit: 10,
  });
  await sql`DELETE FROM job WHERE queue = 'others'`.execute(opened.database.queryable);

  expect({ groups, examined, isPartial }).toEqual({ groups: [], examined: 0, isPartial: true });
});
