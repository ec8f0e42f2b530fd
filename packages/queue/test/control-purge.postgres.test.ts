import type { Transaction } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { createMemoryBroker } from "../src/brokers/memory-broker.ts";
import { purgeQueue } from "../src/control/purge.ts";
import type { PurgeParts } from "../src/control/purge.ts";
import { EventBus } from "../src/events/event-bus.ts";
import { TaskRegistry } from "../src/tasks/task-registry.ts";
import { clearJobs, statesOf, writeJobs } from "./control-jobs.ts";

/** A purge while others hold jobs: needs several connections. */
let opened: TestDatabase;

beforeAll(async () => {
  const kind = testDatabases().find(({ name }) => name === "postgres");
  if (kind === undefined) throw new Error("There is no PostgreSQL on this machine");
  opened = await kind.open();
});
afterEach(() => clearJobs(opened.database.queryable));
afterAll(() => opened.close());

const createParts = (): PurgeParts => ({
  database: opened.database,
  bus: new EventBus(silentLogger),
  broker: createMemoryBroker(),
  registry: new TaskRegistry([]),
  onCancelRequested: () => undefined,
});

/** Holds a job's row until the returned function is called. */
async function holdRow(id: string): Promise<() => Promise<void>> {
  const locked = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const lock = async (transaction: Transaction): Promise<void> => {
    await sql`SELECT 1 FROM job WHERE id = ${id} FOR UPDATE`.execute(transaction);
    locked.resolve();
    await over.promise;
  };
  const held = opened.database.transaction(lock);
  await locked.promise;
  return () => {
    over.resolve();
    return held;
  };
}

it("comes back for a job that was locked when it passed", async () => {
  const ids = await writeJobs(opened.database.queryable, { count: 5 });
  const release = await holdRow(ids[0]!);
  let released: Promise<void> | undefined;

  const result = await purgeQueue(createParts(), "tests", {
    onProgress: () => void (released ??= release()),
  });

  expect(result).toEqual({ cancelled: 5, left: 0 });
  await released;
});

it("gives up on a job that stays locked, having cancelled the others", async () => {
  const ids = await writeJobs(opened.database.queryable, { count: 3 });
  const release = await holdRow(ids[1]!);

  const result = await purgeQueue(createParts(), "tests");
  await release();

  expect(result).toEqual({ cancelled: 2, left: 1 });
  expect(await statesOf(opened.database.queryable, ids)).toEqual(["cancelled", "queued", "cancelled"]);
});

it("cancels each job once when two purge at once", async () => {
  const ids = await writeJobs(opened.database.queryable, { count: 400 });

  const results = await Promise.all([purgeQueue(createParts(), "tests"), purgeQueue(createParts(), "tests")]);

  expect(results.reduce((sum, { cancelled }) => sum + cancelled, 0)).toBe(400);
  expect(results.map(({ left }) => left)).toEqual([0, 0]);
  expect(new Set(await statesOf(opened.database.queryable, ids))).toEqual(new Set(["cancelled"]));
});
