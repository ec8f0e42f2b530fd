import type { Database } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { EventBus } from "../src/events/event-bus.ts";
import { createEventFeed } from "../src/events/event-feed.ts";
import { defaultRetention, pruneHistory } from "../src/retention/prune.ts";
import { clearJobs, statesOf, writeJobs } from "./control-jobs.ts";
import { plansOf } from "./counts-plan.ts";

const sideTables = ["job_payload", "job_progress", "job_attempt", "job_step", "job_wait", "job_log"];

describe.each(testDatabases())("retention on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());
  afterEach(async () => {
    await clearJobs(database.queryable);
    for (const table of [...sideTables, "event_stream", "retention_mark"]) {
      await sql`DELETE FROM ${sql.table(table)}`.execute(database.queryable);
    }
  });

  const prune = () => pruneHistory(database, defaultRetention);

  /** One row of each job in each side table, and two events in its own stream. */
  const writeSideRows = async (): Promise<void> => {
    const { queryable } = database;
    await sql`INSERT INTO job_progress (job_id) SELECT id FROM job`.execute(queryable);
    await sql`
      INSERT INTO job_attempt (job_id, fence, attempt, worker_id, worker_name, finished_at, outcome)
      SELECT id, 1, 1, id, 'w', now(), 'succeeded' FROM job`.execute(queryable);
    await sql`INSERT INTO job_step (job_id, key, state, fence) SELECT id, 'one', 'started', 1 FROM job`.execute(
      queryable,
    );
    await sql`INSERT INTO job_wait (job_id, key, question) SELECT id, 'one', 'Well?' FROM job`.execute(
      queryable,
    );
    await sql`
      INSERT INTO job_log (id, job_id, level, message) SELECT gen_random_uuid(), id, 'info', 'x' FROM job`.execute(
      queryable,
    );
    await sql`
      INSERT INTO event (stream, seq, type, data) SELECT 'job:' || id, seq, 'job.x', '{}' FROM job, generate_series(1, 2) AS seq`.execute(
      queryable,
    );
    await sql`UPDATE job SET event_seq = 2`.execute(queryable);
  };

  const writeStreams = (count: number, hoursAgo: number) =>
    sql`
    WITH written AS (
      INSERT INTO event_stream (stream, last_seq, ended_at)
      SELECT 'document:' || number, 1, now() - ${hoursAgo}::double precision * interval '1 hour'
      FROM generate_series(1, ${count}::integer) AS number RETURNING stream
    )
    INSERT INTO event (stream, seq, type, data) SELECT stream, 1, 'document.x', '{}' FROM written`.execute(
      database.queryable,
    );

  const count = async (table: string): Promise<number> => {
    const counted = await sql<{ count: number }>`SELECT count(*) AS count FROM ${sql.table(table)}`.execute(
      database.queryable,
    );
    return counted.rows[0]!.count;
  };

  const jobsWithEvents = async (): Promise<string[]> => {
    const found = await sql<{ id: string }>`
      SELECT DISTINCT substr(stream, 5) AS id FROM event WHERE stream LIKE 'job:%'`.execute(
      database.queryable,
    );
    return found.rows.map((row) => row.id).toSorted();
  };

  it("deletes a job with all that belongs to it when its time has come", async () => {
    await writeJobs(database.queryable, { state: "succeeded", purgeHoursAgo: 1 });
    await writeJobs(database.queryable, { state: "failed", purgeHoursAgo: 1 });
    await writeSideRows();

    expect(await prune()).toEqual({ count: 2, hasMore: false });

    for (const table of ["job", ...sideTables, "event"])
      expect([table, await count(table)]).toEqual([table, 0]);
  });

  it("keeps jobs whose time has not come, and those that have not ended", async () => {
    const ids = [
      ...(await writeJobs(database.queryable, { state: "succeeded", purgeHoursAgo: -1 })),
      ...(await writeJobs(database.queryable, { state: "running" })),
    ];
    await writeSideRows();

    expect(await prune()).toEqual({ count: 0, hasMore: false });

    expect(await statesOf(database.queryable, ids)).toEqual(["succeeded", "running"]);
    for (const table of sideTables) expect([table, await count(table)]).toEqual([table, 2]);
    expect(await count("event")).toBe(4);
  });

  it("counts the jobs that are gone", async () => {
    await writeJobs(database.queryable, { state: "succeeded", purgeHoursAgo: 1, count: 250 });

    expect((await prune()).count).toBe(250);
  });

  it("deletes the events of a job a day after its end, and keeps the job", async () => {
    const [old] = await writeJobs(database.queryable, { state: "succeeded", endedHoursAgo: 25 });
    const [young] = await writeJobs(database.queryable, { state: "succeeded", endedHoursAgo: 23 });
    const [running] = await writeJobs(database.queryable, { state: "running" });
    await writeSideRows();

    expect(await prune()).toEqual({ count: 1, hasMore: false });

    expect(await jobsWithEvents()).toEqual([young!, running!].toSorted());
    expect(await statesOf(database.queryable, [old!])).toEqual(["succeeded"]);
    expect(await count("job_log")).toBe(3);
  });

  it("looks at each end once", async () => {
    await writeJobs(database.queryable, { state: "succeeded", endedHoursAgo: 25, count: 3 });
    expect((await prune()).count).toBe(3);

    expect((await prune()).count).toBe(0);
    await writeJobs(database.queryable, { state: "failed", endedHoursAgo: 24.5 });

    expect((await prune()).count).toBe(1);
  });

  it("leaves out none of the jobs that ended in one moment", async () => {
    await writeJobs(database.queryable, { state: "succeeded", endedHoursAgo: 26, count: 30 });
    await writeJobs(database.queryable, { state: "succeeded", endedHoursAgo: 25, count: 500 });
    await writeSideRows();

    expect((await prune()).count).toBe(530);

    expect(await jobsWithEvents()).toEqual([]);
  });

  it("deletes the events of a job that ran again, a day after it ended again", async () => {
    const [id] = await writeJobs(database.queryable, { state: "failed", endedHoursAgo: 50 });
    await writeJobs(database.queryable, { state: "failed", endedHoursAgo: 40 });
    await prune();
    await writeSideRows();

    await sql`UPDATE job SET finished_at = now() - interval '30 hours' WHERE id = ${id}`.execute(
      database.queryable,
    );
    await prune();

    expect(await jobsWithEvents()).not.toContain(id);
  });

  it("keeps the numbers of a job's stream whose events are over", async () => {
    const [id] = await writeJobs(database.queryable, { state: "succeeded", endedHoursAgo: 25 });
    await writeSideRows();
    await prune();

    const feed = createEventFeed(database, new EventBus(silentLogger));

    expect(await feed.read(`job:${id}`, 0, 10)).toEqual({ events: [], lastSeq: 2, oldestSeq: 3 });
  });

  it("deletes the events of a shared stream a day after its end, keeps its numbers, and looks at it once", async () => {
    await writeStreams(2, 25);
    await sql`UPDATE event_stream SET ended_at = now() WHERE stream = 'document:2'`.execute(
      database.queryable,
    );

    expect(await prune()).toEqual({ count: 1, hasMore: false });

    const feed = createEventFeed(database, new EventBus(silentLogger));
    expect(await feed.read("document:1", 0, 10)).toEqual({ events: [], lastSeq: 1, oldestSeq: 2 });
    expect((await feed.read("document:2", 0, 10)).events).toHaveLength(1);
    expect((await prune()).count).toBe(0);
  });

  it("deletes the texts in a shared stream an hour after its end, nothing else of it, and looks at it once", async () => {
    await writeStreams(3, 2);
    await sql`
      INSERT INTO event (stream, seq, type, data)
      SELECT 'document:' || number, 2, 'crew.text_written', '{}' FROM generate_series(1, 3) AS number`.execute(
      database.queryable,
    );
    await sql`UPDATE event_stream SET ended_at = NULL WHERE stream = 'document:2'`.execute(
      database.queryable,
    );
    await sql`UPDATE event_stream SET ended_at = now() WHERE stream = 'document:3'`.execute(
      database.queryable,
    );

    expect(await prune()).toEqual({ count: 1, hasMore: false });

    const left = await sql<{ stream: string; type: string }>`
      SELECT stream, type FROM event ORDER BY stream, seq`.execute(database.queryable);
    expect(left.rows.map(({ stream, type }) => `${stream} ${type}`)).toEqual([
      "document:1 document.x",
      "document:2 document.x",
      "document:2 crew.text_written",
      "document:3 document.x",
      "document:3 crew.text_written",
    ]);
    expect((await prune()).count).toBe(0);
  });

  it("removes a forgotten stream once its events are over, and not before", async () => {
    await writeStreams(2, 25);
    await sql`
      UPDATE event_stream SET is_forgotten = true,
        ended_at = CASE stream WHEN 'document:1' THEN ended_at ELSE now() END`.execute(database.queryable);

    await prune();

    const left = await sql`SELECT stream FROM event_stream`.execute(database.queryable);
    expect(left.rows).toEqual([{ stream: "document:2" }]);
    expect(await count("event")).toBe(1);
  });

  it("deletes log lines after a week", async () => {
    await writeJobs(database.queryable, { count: 2, state: "running" });
    await writeSideRows();
    await sql`
      UPDATE job_log SET created_at = now() - interval '8 days'
      WHERE job_id = (SELECT id FROM job ORDER BY id LIMIT 1)`.execute(database.queryable);

    expect(await prune()).toEqual({ count: 1, hasMore: false });

    expect(await count("job_log")).toBe(1);
  });

  it("forgets workers a day after they were last heard of", async () => {
    for (const hours of [25, 23]) {
      await sql`
        INSERT INTO worker (id, name, queues, concurrency, tasks, beat_at)
        VALUES (${newId()}, ${`silent for ${hours} h`}, '{}', 1, '{}', now() - ${hours}::integer * interval '1 hour')`.execute(
        database.queryable,
      );
    }

    expect((await prune()).count).toBe(1);

    const left = await sql`SELECT name FROM worker`.execute(database.queryable);
    expect(left.rows).toEqual([{ name: "silent for 23 h" }]);
  });

  it("ends although there is more, and says so", async () => {
    await writeStreams(10_050, 25);

    expect(await prune()).toEqual({ count: 10_000, hasMore: true });
    expect(await prune()).toEqual({ count: 50, hasMore: false });
  });

  it("ends when it is told to, and says that there may be more", async () => {
    await writeStreams(3, 25);

    expect(await pruneHistory(database, defaultRetention, AbortSignal.abort())).toEqual({
      count: 0,
      hasMore: true,
    });
  });

  it("reads no table from its beginning to its end", async () => {
    await writeJobs(database.queryable, { state: "succeeded", endedHoursAgo: 1, count: 5000 });
    await writeSideRows();
    await writeStreams(5000, 0);
    // Tables that are known to be empty are read whole: autovacuum may have seen them so after the tests before.
    for (const table of ["job", ...sideTables, "event", "event_stream"]) {
      await sql`VACUUM (ANALYZE) ${sql.table(table)}`.execute(database.queryable);
    }

    const plans = await plansOf(database.queryable, (queryable) =>
      pruneHistory({ ...database, queryable }, defaultRetention),
    );

    const scans = plans.filter((line) => /Seq Scan on (job|event)/.test(line));
    expect(plans.length).toBeGreaterThan(20);
    expect(scans).toEqual([]);
  });
});
