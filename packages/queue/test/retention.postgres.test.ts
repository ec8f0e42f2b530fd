import type { Database } from "@millrace/database";
import { openPostgres } from "@millrace/database";
import { createLogger, silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { takeTurn } from "../src/alarms/take-turn.ts";
import { oldestSnapshotSeconds } from "../src/retention/oldest-snapshot.ts";
import { warnOfOldSnapshot } from "../src/retention/warn-of-old-snapshot.ts";
import { defaultRetention, pruneHistory } from "../src/retention/prune.ts";
import { clearJobs, statesOf, writeJobs } from "./control-jobs.ts";

/** What retention meets on a server: others at the same work, rows that others hold, old snapshots. */
let opened: TestDatabase;
let others: Database;

beforeAll(async () => {
  const kind = testDatabases().find(({ name }) => name === "postgres");
  if (kind === undefined) throw new Error("There is no PostgreSQL on this machine");
  opened = await kind.open();
  others = openPostgres({ url: opened.url ?? "", poolSize: 2, logger: silentLogger });
});
afterEach(async () => {
  await clearJobs(opened.database.queryable);
  await sql`DELETE FROM retention_mark`.execute(opened.database.queryable);
});
afterAll(async () => {
  await others.close();
  await opened.close();
});

/** Runs a statement in a transaction that stays open until the returned function is called. */
async function holdOpen(statement: string): Promise<() => Promise<void>> {
  const done = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const transaction = others.transaction(async (open) => {
    await sql.raw(statement).execute(open);
    done.resolve();
    await over.promise;
  });
  await done.promise;
  return () => {
    over.resolve();
    return transaction;
  };
}

it("leaves jobs that others hold", async () => {
  const ids = await writeJobs(opened.database.queryable, { state: "succeeded", purgeHoursAgo: 1, count: 3 });
  const release = await holdOpen(`SELECT 1 FROM job WHERE id = '${ids[1]}' FOR UPDATE`);

  const pruned = await pruneHistory(opened.database, defaultRetention);
  await release();

  expect(pruned.count).toBe(2);
  expect(await statesOf(opened.database.queryable, ids)).toEqual(["succeeded"]);
});

it("is done once when several do it at once", async () => {
  const { queryable } = opened.database;
  await writeJobs(queryable, { state: "succeeded", purgeHoursAgo: 1, count: 2000 });
  await writeJobs(queryable, { state: "succeeded", endedHoursAgo: 30, count: 1000 });
  await sql`INSERT INTO event (stream, seq, type, data) SELECT 'job:' || id, 1, 'job.x', '{}' FROM job`.execute(
    queryable,
  );

  const results = await Promise.all(
    Array.from({ length: 4 }, () => pruneHistory(opened.database, defaultRetention)),
  );

  expect(results.reduce((sum, { count }) => sum + count, 0)).toBe(3000);
  const left =
    await sql`SELECT (SELECT count(*) FROM job) AS jobs, (SELECT count(*) FROM event) AS events`.execute(
      queryable,
    );
  expect(left.rows).toEqual([{ jobs: 1000, events: 0 }]);
});

it.each([
  ["a snapshot that is kept", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1"],
  ["a transaction that stands still", "SELECT 1"],
  ["a transaction that has written", "CREATE TEMPORARY TABLE anything ()"],
])("notices %s", async (_what, statement) => {
  const release = await holdOpen(statement);

  const age = () => oldestSnapshotSeconds(opened.database);
  await expect.poll(age).toBeGreaterThan(0.5);
  const [first, second] = [await age(), await age()];
  await release();

  expect(second).toBeGreaterThan(first);
  await expect.poll(age).toBe(0);
});

it("is told to the log where nobody looks for alarms, and elsewhere left to them", async () => {
  const release = await holdOpen("SELECT 1");
  const told: string[] = [];
  const logger = createLogger({
    level: "warn",
    name: "tests",
    destination: { write: (line) => void told.push(line) },
  });

  await warnOfOldSnapshot(opened.database, logger, 0);
  await takeTurn(opened.database, 10_000);
  await warnOfOldSnapshot(opened.database, logger, 0);
  await sql`UPDATE alarm_look SET looked_at = now() - interval '2 hours'`.execute(opened.database.queryable);
  await warnOfOldSnapshot(opened.database, logger, 0);
  await release();

  expect(told).toHaveLength(2);
});

it("does not count its own transaction", async () => {
  expect(await oldestSnapshotSeconds(opened.database)).toBe(0);
});

it("does not look at other databases, whose snapshots keep nothing here", async () => {
  const kind = testDatabases().find(({ name }) => name === "postgres");
  const another = await kind!.open({ isMigrated: false });
  const release = await holdOpen("SELECT 1");

  const age = await oldestSnapshotSeconds(another.database);
  await release();
  await another.close();

  expect(age).toBe(0);
});
