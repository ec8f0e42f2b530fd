import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { report } from "./schedule-scene.ts";

const program = fileURLToPath(new URL("./scheduler-child.ts", import.meta.url));
const postgres = testDatabases().find((kind) => kind.name === "postgres");
const schedules = 20;
const timesOfEach = 30;

let opened: TestDatabase;
beforeEach(async () => {
  if (postgres === undefined) throw new Error("without PostgreSQL this file is left out");
  opened = await postgres.open();
  await writeDueSchedules();
});
afterEach(() => opened.close());

/** Every minute, each of them late by half an hour, and none of those times is to be left out. */
async function writeDueSchedules(): Promise<void> {
  await sql`
    INSERT INTO schedule (id, name, task, input, kind, timezone, every_ms, anchor_at, jitter_ms, misfire, grace_ms,
      overlap, next_at, due_at, end_at, source, created_by, updated_by)
    SELECT gen_random_uuid(), 'schedule ' || nth, ${report.name}, '{"to": "ann"}', 'interval', 'UTC', 60000, first, 0,
      CASE WHEN nth % 2 = 0 THEN 'all' ELSE 'once' END, 0, 'allow', first, first,
      first + (${timesOfEach}::integer - 1) * interval '1 minute', 'person', 'ann', 'ann'
    FROM generate_series(1, ${schedules}::integer) AS nth, (SELECT date_trunc('second', now()) - interval '1 hour' AS first) AS start`.execute(
    opened.database.queryable,
  );
}

/** Runs a process, and gives what ended it. */
async function run(crashAt?: string): Promise<NodeJS.Signals | number | null> {
  const child = spawn(process.execPath, [program, opened.url ?? ""], {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      ...(crashAt === undefined ? {} : { MILLRACE_CRASH_AT: crashAt }),
    },
  });
  await once(child, "exit");
  return child.signalCode ?? child.exitCode;
}

async function facts() {
  const { queryable } = opened.database;
  const read = async (statement: ReturnType<typeof sql<{ count: number }>>) =>
    Number((await statement.execute(queryable)).rows[0]?.count);
  return {
    jobs: await read(sql`SELECT count(*) AS count FROM job`),
    distinctTimes: await read(sql`
      SELECT count(DISTINCT (meta ->> 'schedule_id', meta ->> 'scheduled_for')) AS count FROM job_payload`),
    ticks: await read(sql`
      SELECT count(*) AS count FROM schedule_tick JOIN job ON job.id = job_id WHERE outcome = 'enqueued'`),
    openSchedules: await read(sql`SELECT count(*) AS count FROM schedule WHERE next_at IS NOT NULL`),
  };
}

/** Half of them make up for all times, the others for the last. */
const expectedJobs = (schedules / 2) * timesOfEach + schedules / 2;
const allOnce = { jobs: expectedJobs, distinctTimes: expectedJobs, ticks: expectedJobs, openSchedules: 0 };

const isNightly = process.env.MILLRACE_NIGHTLY === "1";
const points = ["fire_schedule:before#3", "fire_schedule:after#3"];

describe("schedulers in several processes", () => {
  it("make one job for each time", async () => {
    expect(await Promise.all([run(), run(), run()])).toEqual([0, 0, 0]);

    expect(await facts()).toEqual(allOnce);
  });

  it.each(isNightly ? points : points.slice(0, 1))(
    "lose and double nothing when one is killed at %s, beside others",
    async (point) => {
      const ends = await Promise.all([run(point), run(point), run()]);
      expect(ends[2]).toBe(0);
      await run();

      expect(await facts()).toEqual(allOnce);
    },
  );

  it.each(isNightly ? points : points.slice(1))(
    "lose and double nothing when the only one is killed at %s, and another comes",
    async (point) => {
      expect(await run(point)).toBe("SIGKILL");
      expect((await facts()).openSchedules).toBeGreaterThan(0);
      expect(await run()).toBe(0);

      expect(await facts()).toEqual(allOnce);
    },
  );
});
