import { openPostgres } from "@millrace/database";
import type { Database } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { listAlarms } from "../src/alarms/alarm-row.ts";
import { clearAlarms, everyMs, lookNext, lookNow, passTime, thresholds } from "./alarms-scene.ts";
import { clearJobs, writeJobs } from "./control-jobs.ts";

let opened: TestDatabase;
let database: Database;

beforeAll(async () => {
  opened = await testDatabases()
    .find(({ name }) => name === "postgres")!
    .open();
  database = opened.database;
});
afterAll(() => opened.close());
afterEach(async () => {
  await clearJobs(database.queryable);
  await clearAlarms(database);
});

const open = async (): Promise<string[]> =>
  (await listAlarms(database.queryable, { state: "open", limit: 10 })).map(({ kind }) => kind);

it.each([
  ["transaction that has written", "SELECT pg_current_xact_id()"],
  [
    "snapshot that keeps what claims leave behind",
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1",
  ],
])("an old %s is an alarm until it ends, whoever has it", async (_name, begin) => {
  const options = { thresholds: { ...thresholds, oldSnapshotSeconds: 0 }, afterLooks: 1 };

  await database.transaction(async (transaction) => {
    await sql.raw(begin).execute(transaction);
    await lookNext(database, options);
  });
  expect(await open()).toEqual(["old_snapshot"]);
  await lookNext(database, options);

  expect(await open()).toEqual([]);
});

it("processes with connections of their own, one behind a pooler, raise one alarm between them", async () => {
  const others = [opened.url, opened.pgbouncerUrl]
    .filter((url) => url !== undefined)
    .map((url) => openPostgres({ url, poolSize: 2, logger: silentLogger }));
  await writeJobs(database.queryable);
  const told: string[] = [];

  for (let time = 0; time < 6; time++) {
    await passTime(database, everyMs);
    const looks = await Promise.all([database, ...others].map((each) => lookNow(each, { tells: true })));
    told.push(...looks.flatMap((look) => look?.raised ?? []).map(({ kind }) => kind));
  }
  await Promise.all(others.map((other) => other.close()));

  expect(told).toEqual(["queue_without_worker"]);
  expect(await open()).toEqual(["queue_without_worker"]);
});
