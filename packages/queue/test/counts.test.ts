import type { Database } from "@millrace/database";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import fc from "fast-check";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { countJobs, rollUpCounts } from "../src/counts/count-jobs.ts";
import type { JobCount } from "../src/counts/count-jobs.ts";
import { oldestWaits, queueDepths } from "../src/counts/queue-depths.ts";
import { clearJobs, writeJobs } from "./control-jobs.ts";
import { plansOf } from "./counts-plan.ts";

/** What a change does to the jobs there are; each in one statement, as the queue does it. */
const operations = {
  insert: ({ queue, count }: Change) => sql`
    INSERT INTO job (id, queue, task, stream, state, max_attempts, retries)
    SELECT gen_random_uuid(), ${queue}, 'a.b', 'x:1', 'queued', 1, 0 FROM generate_series(1, ${count}::integer)`,
  start: ({ queue, count }: Change) => sql`
    UPDATE job SET state = 'running', worker_id = id, lease_until = now()
    WHERE id IN (SELECT id FROM job WHERE queue = ${queue} AND state = 'queued' LIMIT ${count})`,
  end: ({ queue, count, state }: Change) => sql`
    UPDATE job SET state = ${state}, finished_at = now(), worker_id = NULL, lease_until = NULL
    WHERE id IN (SELECT id FROM job WHERE queue = ${queue} AND finished_at IS NULL LIMIT ${count})`,
  beat: ({ queue }: Change) => sql`
    UPDATE job SET lease_until = now() WHERE queue = ${queue} AND state = 'running'`,
  move: ({ queue, count }: Change) => sql`
    UPDATE job SET queue = 'moved' WHERE id IN (SELECT id FROM job WHERE queue = ${queue} LIMIT ${count})`,
  delete: ({ queue, count }: Change) => sql`
    DELETE FROM job WHERE id IN (SELECT id FROM job WHERE queue = ${queue} LIMIT ${count})`,
} as const;

type Change = { readonly queue: string; readonly state: string; readonly count: number };

/** Jobs come more often than they go. */
const kinds = ["insert", "insert", "start", "end", "beat", "move", "delete", "roll_up", "undo"] as const;

const changes = fc.array(
  fc.record({
    kind: fc.constantFrom(...kinds),
    queue: fc.constantFrom("alpha", "beta"),
    state: fc.constantFrom("succeeded", "failed", "cancelled", "expired"),
    count: fc.integer({ min: 0, max: 5 }),
  }),
  { minLength: 5, maxLength: 40 },
);

describe.each(testDatabases())("counts on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());
  afterEach(() => clearJobs(database.queryable));

  const countTruly = async (): Promise<JobCount[]> => {
    const counted = await sql<JobCount>`
      SELECT queue, state, count(*) AS count FROM job GROUP BY queue, state ORDER BY queue, state`.execute(
      database.queryable,
    );
    return counted.rows;
  };

  const countChanges = async (): Promise<number> => {
    const counted = await sql<{ count: number }>`SELECT count(*) AS count FROM job_count_change`.execute(
      database.queryable,
    );
    return counted.rows[0]!.count;
  };

  const perform = async (step: Change & { readonly kind: (typeof kinds)[number] }): Promise<void> => {
    if (step.kind === "roll_up") return void (await rollUpCounts(database));
    if (step.kind !== "undo") return void (await operations[step.kind](step).execute(database.queryable));
    const undone = database.transaction(async (transaction) => {
      await operations.delete(step).execute(transaction);
      throw new Error("changed my mind");
    });
    await undone.catch(() => undefined);
  };

  it("are true after whatever happens to jobs", async () => {
    const property = fc.asyncProperty(changes, async (steps) => {
      for (const step of steps) {
        await perform(step);
        expect(await countJobs(database.queryable)).toEqual(await countTruly());
      }
    });

    await fc.assert(property, { numRuns: 30 });
  });

  it("are true in the middle of roll-ups and changes by several at once", async () => {
    const inserted = Array.from({ length: 4 }, async (_none, nth) => {
      for (let turn = 0; turn < 40; turn++) {
        const queue = nth % 2 === 0 ? "alpha" : "beta";
        await writeJobs(database.queryable, { queue, count: 2 });
        await operations.start({ queue, state: "", count: 1 }).execute(database.queryable);
      }
    });
    const race = { isOver: false };
    const rolled = Array.from({ length: 3 }, async () => {
      while (!race.isOver) await rollUpCounts(database);
    });
    const looked = (async () => {
      const wrong: unknown[] = [];
      while (!race.isOver) {
        const both = await sql<{ counted: number; there: number }>`
          SELECT (SELECT coalesce(sum(count), 0) FROM job_count)::bigint
               + (SELECT coalesce(sum(change), 0) FROM job_count_change)::bigint AS counted,
            (SELECT count(*) FROM job) AS there`.execute(database.queryable);
        const [seen] = both.rows;
        if (seen?.counted !== seen?.there) wrong.push(seen);
      }
      return wrong;
    })();

    await Promise.all(inserted);
    race.isOver = true;
    await Promise.all(rolled);

    expect(await looked).toEqual([]);
    expect(await countJobs(database.queryable)).toEqual(await countTruly());
  });

  it("are summed up once", async () => {
    await rollUpCounts(database);
    await writeJobs(database.queryable, { count: 3 });
    await writeJobs(database.queryable, { count: 2, state: "running" });

    expect(await rollUpCounts(database)).toBe(2);

    expect(await countChanges()).toBe(0);
    expect(await rollUpCounts(database)).toBe(0);
    expect(await countJobs(database.queryable)).toEqual([
      { queue: "tests", state: "queued", count: 3 },
      { queue: "tests", state: "running", count: 2 },
    ]);
  });

  it("are summed up in more than one batch, unless that is told to stop", async () => {
    await rollUpCounts(database);
    await sql`
      INSERT INTO job_count_change SELECT 'many', 'queued', 1 FROM generate_series(1, 25000)`.execute(
      database.queryable,
    );

    expect(await rollUpCounts(database, AbortSignal.abort())).toBe(0);
    expect(await rollUpCounts(database)).toBe(25_000);

    expect(await countJobs(database.queryable)).toEqual([{ queue: "many", state: "queued", count: 25_000 }]);
    await sql`DELETE FROM job_count WHERE queue = 'many'`.execute(database.queryable);
  });

  it("say how deep each queue is, and how long its oldest job has been due", async () => {
    const [first] = await writeJobs(database.queryable, { queue: "alpha", count: 3 });
    await writeJobs(database.queryable, { queue: "alpha", state: "running" });
    await writeJobs(database.queryable, { queue: "alpha", state: "failed", count: 4 });
    await writeJobs(database.queryable, { queue: "beta", state: "scheduled", count: 2 });
    await writeJobs(database.queryable, { queue: "gamma", state: "succeeded" });
    await sql`UPDATE job SET run_at = now() - interval '1 hour' WHERE id = ${first}`.execute(
      database.queryable,
    );

    const depths = await queueDepths(database.queryable);

    expect(depths).toEqual([
      { queue: "alpha", counts: { queued: 3, running: 1 }, oldestWaitSeconds: expect.any(Number) },
      { queue: "beta", counts: { scheduled: 2 }, oldestWaitSeconds: null },
      { queue: "gamma", counts: {}, oldestWaitSeconds: null },
    ]);
    expect(depths[0]?.oldestWaitSeconds).toBeGreaterThanOrEqual(3600);
    expect(depths[0]?.oldestWaitSeconds).toBeLessThan(7200);
  });

  it("give no wait for jobs that are not due by the clock of the database", async () => {
    await writeJobs(database.queryable);
    await sql`UPDATE job SET run_at = now() + interval '1 minute'`.execute(database.queryable);

    expect(await oldestWaits(database.queryable)).toEqual([{ queue: "tests", seconds: 0 }]);
  });

  it("find the oldest waits by the index, however many jobs wait", async () => {
    await sql`ALTER TABLE job DISABLE TRIGGER job_inserted`.execute(database.queryable);
    for (const queue of ["alpha", "beta", "gamma"])
      await writeJobs(database.queryable, { queue, count: 5000 });
    await sql`ALTER TABLE job ENABLE TRIGGER job_inserted`.execute(database.queryable);
    await sql`ANALYZE job`.execute(database.queryable);

    const plan = await plansOf(database.queryable, oldestWaits);

    const lines = plan.join("\n");
    expect(lines).toContain("job_claim");
    expect(lines).not.toMatch(/Seq Scan on job\b|Bitmap|Sort Key: job/);
  });
});
