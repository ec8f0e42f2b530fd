import type { Database, Transaction } from "@millrace/database";
import { openPostgres } from "@millrace/database";
import { newId, silentLogger, sleep } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { pauseQueue, resumeQueue } from "../src/control/pause.ts";
import { setQueueLimit } from "../src/control/queue-settings.ts";
import { claimJobs } from "../src/jobs/claim.ts";
import { clearJobs, writeJobs } from "./control-jobs.ts";

const pauses = 1000;

/** Once a pause has returned nothing is claimed, whatever claims are under way: needs several connections. */
let opened: TestDatabase;
let database: Database;
/** Its own connections, so that those who claim don't make the others wait for one. */
let claimers: Database;

beforeAll(async () => {
  const kind = testDatabases().find(({ name }) => name === "postgres");
  if (kind === undefined) throw new Error("There is no PostgreSQL on this machine");
  opened = await kind.open();
  database = opened.database;
  claimers = openPostgres({ url: opened.url ?? "", poolSize: 6, logger: silentLogger });
});
afterEach(() => clearJobs(database.queryable));
afterAll(async () => {
  await claimers.close();
  await opened.close();
});

const claim = (limit: number) =>
  claimJobs(claimers, {
    queue: "tests",
    taskKeys: ["tests.run_script@1"],
    limit,
    worker: { id: newId(), name: "w" },
    leaseMs: 600_000,
    oldest: 0,
  });

async function countRunning(): Promise<number> {
  const counted = await sql<{
    count: number;
  }>`SELECT count(*) AS count FROM job WHERE state = 'running'`.execute(database.queryable);
  return counted.rows[0]!.count;
}

/** Sessions that wait for an advisory lock: those at a gate, and those that a test holds up. */
async function countWaiting(): Promise<number> {
  const counted = await sql<{ count: number }>`
    SELECT count(*) AS count FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'advisory'`.execute(database.queryable);
  return counted.rows[0]!.count;
}

const untilWaiting = (count: number) => expect.poll(countWaiting).toBe(count);

/** Runs a statement in a transaction that stays open until the returned function is called. */
async function holdOpen<Row>(
  work: (transaction: Transaction) => Promise<Row>,
): Promise<{ readonly result: Row; readonly commit: () => Promise<void> }> {
  const done = Promise.withResolvers<Row>();
  const over = Promise.withResolvers<void>();
  const transaction = claimers.transaction(async (open) => {
    done.resolve(await work(open));
    await over.promise;
  });
  const result = await done.promise;
  return {
    result,
    commit: () => {
      over.resolve();
      return transaction;
    },
  };
}

const isOpen = async (transaction: Transaction): Promise<boolean> => {
  const found = await sql<{ is_open: boolean }>`SELECT queue_is_open('tests') AS is_open`.execute(
    transaction,
  );
  return found.rows[0]!.is_open;
};

it.each(["tests", "*"])(
  "does not return from a pause of %s before the claims under way have committed",
  async (queue) => {
    const claiming = await holdOpen(isOpen);
    expect(claiming.result).toBe(true);

    let hasReturned = false;
    const pausing = pauseQueue(database, queue, { by: "ann" }).then(() => (hasReturned = true));
    await untilWaiting(1);
    expect(hasReturned).toBe(false);
    await claiming.commit();

    expect(await pausing).toBe(true);
  },
);

it("refuses a claim that began before the pause and came to the gate after it", async () => {
  const held = await holdOpen(async (transaction) => {
    await sql`SELECT pg_advisory_xact_lock(1)`.execute(transaction);
  });
  const late = sql<{ is_open: boolean }>`
    SELECT pg_advisory_xact_lock_shared(1), queue_is_open('tests') AS is_open`.execute(claimers.queryable);
  await untilWaiting(1);

  await pauseQueue(database, "tests", { by: "ann" });
  await held.commit();

  expect((await late).rows[0]?.is_open).toBe(false);
});

it("lets no claim through that comes while a pause waits", async () => {
  const claiming = await holdOpen(isOpen);
  const pausing = pauseQueue(database, "tests", { by: "ann" });
  await untilWaiting(1);

  const later = claimers.transaction(isOpen);
  await untilWaiting(2);
  await claiming.commit();

  expect(await later).toBe(false);
  await pausing;
});

it("does not deadlock with claims that count under a limit, which lock the queue's row first", async () => {
  await setQueueLimit(database, "tests", { maxRunning: 5, by: "ann" });
  const counting = await holdOpen(async (transaction) => {
    await sql`SELECT FROM queue_control WHERE queue = 'tests' FOR NO KEY UPDATE`.execute(transaction);
    return transaction;
  });
  const pausing = pauseQueue(database, "tests", { by: "ann" });
  await expect
    .poll(async () => {
      const found = await sql`
        SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(
        database.queryable,
      );
      return found.rows.length;
    })
    .toBe(1);

  expect(await isOpen(counting.result)).toBe(true);
  await counting.commit();

  await pausing;
});

it(`holds in ${pauses} pauses against claims without end`, { timeout: 300_000 }, async () => {
  await writeJobs(database.queryable, { count: 30_000 });
  const race = { isOver: false };
  const claiming = Array.from({ length: 6 }, async () => {
    let claimed = 0;
    while (!race.isOver) claimed += (await claim(1)).jobs.length;
    return claimed;
  });

  const late: number[] = [];
  for (let round = 0; round < pauses; round++) {
    await pauseQueue(database, round % 2 === 0 ? "tests" : "*", { by: "ann" });
    const before = await countRunning();
    await sleep(1);
    const after = await countRunning();
    if (after !== before) late.push(round);
    await resumeQueue(database, round % 2 === 0 ? "tests" : "*", { by: "ann" });
  }
  race.isOver = true;
  const claimed = await Promise.all(claiming);

  expect(late).toEqual([]);
  // Otherwise nothing was raced.
  expect(claimed.reduce((sum, count) => sum + count)).toBeGreaterThan(pauses / 5);
});
