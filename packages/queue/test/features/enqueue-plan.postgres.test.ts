import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { createMemoryBroker } from "../../src/brokers/memory-broker.ts";
import { EventBus } from "../../src/events/event-bus.ts";
import { defineTask } from "../../src/index.ts";
import { enqueueAlone, prepareJob } from "../../src/jobs/enqueue.ts";
import { plansOf } from "../counts-plan.ts";

const task = defineTask({
  name: "tests.sync_account",
  queue: "tests",
  input: z.object({ account: z.string() }),
  output: z.null(),
  unique: ({ account }) => account,
});
const pending = 50_000;

let opened: TestDatabase;

beforeAll(async () => {
  const kind = testDatabases().find(({ name }) => name === "postgres");
  if (kind === undefined) throw new Error("this test needs PostgreSQL");
  opened = await kind.open();
  const { queryable } = opened.database;
  await sql`
    INSERT INTO job (id, queue, task, stream, state, max_attempts, retries, unique_key)
    SELECT gen_random_uuid(), 'tests', ${task.name}, 'job:x', 'queued', 4, 3, n FROM generate_series(1, ${pending}::integer) AS n`.execute(
    queryable,
  );
  await sql`INSERT INTO job_payload (job_id, input) SELECT id, '{}' FROM job`.execute(queryable);
});
afterAll(() => opened.close());

it.each([
  [1, "never analyzed"],
  [500, "never analyzed"],
  [1, "analyzed"],
  [500, "analyzed"],
])("finds those that are pending for %d that are asked for again by an index (%s)", async (count, state) => {
  if (state === "analyzed") await sql`ANALYZE`.execute(opened.database.queryable);
  const parts = { bus: new EventBus(silentLogger), broker: createMemoryBroker() };
  const again = Array.from({ length: count }, (_none, nth) => prepareJob(task, { account: String(nth + 1) }));

  const plans = await plansOf(opened.database.queryable, (queryable) =>
    enqueueAlone({ ...opened.database, queryable }, parts, again),
  );

  expect(plans.filter((line) => line.includes("job_unique"))).not.toEqual([]);
  expect(plans.filter((line) => /Seq Scan on job( |$)/.test(line))).toEqual([]);
});
