import type { Database } from "@millrace/database";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { pauseQueue, resumeQueue } from "../src/control/pause.ts";
import { setQueueLimit } from "../src/control/queue-settings.ts";
import { pruneLimiters } from "../src/limits/limiter-rows.ts";
import type { Limits, LimitsOf } from "../src/limits/limits.ts";
import { claim, claimIds, clear, end, enqueue, pass, rowsOf } from "./limits-scene.ts";

/** One every six minutes: what the test itself takes does not matter. */
const tenAnHour = { perSecond: 10 / 3600, burst: 1 };
const tokenSeconds = 360;

/** The limits of `tests.limited`; `tests.other` has none. */
function limited(limits: Limits): LimitsOf {
  return (task) => (task === "tests.limited" ? limits : {});
}

describe.each(testDatabases())("limits on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());
  afterEach(() => clear(database.queryable));

  const jobs = (options: Parameters<typeof enqueue>[1] = {}) => enqueue(database.queryable, options);

  describe("a rate", () => {
    const limits = limited({ rateLimit: tenAnHour });

    it("starts one job, and the next when its time has come", async () => {
      const ids = await jobs({ count: 3 });

      expect(await claimIds(database, limits)).toEqual([ids[0]]);
      expect(await claimIds(database, limits)).toEqual([]);
      await pass(database.queryable, tokenSeconds - 60);
      expect(await claimIds(database, limits)).toEqual([]);
      await pass(database.queryable, 60);
      expect(await claimIds(database, limits)).toEqual([ids[1]]);
    });

    it("says when the next one may start", async () => {
      await jobs({ count: 2 });

      const first = await claim(database, limits);
      await pass(database.queryable, 200);
      const second = await claim(database, limits);

      expect(first.nextInMs).toBe(360_000);
      expect(second.nextInMs).toBeGreaterThan(100_000);
      expect(second.nextInMs).toBeLessThanOrEqual(160_000);
    });

    it("saves up no more than the burst", async () => {
      const limits = limited({ rateLimit: { ...tenAnHour, burst: 3 } });
      const ids = await jobs({ count: 9 });

      expect(await claimIds(database, limits)).toEqual(ids.slice(0, 3));
      await pass(database.queryable, 100 * tokenSeconds);
      expect(await claimIds(database, limits)).toEqual(ids.slice(3, 6));
    });

    it("never starts more than the time that has passed allows", async () => {
      await jobs({ count: 60 });
      let [seconds, starts] = [0, 0];
      for (const step of [0, 60, 240, 420, 780, 120, 1800, 6, 354, 3600, 180, 360, 359, 2]) {
        seconds += step;
        await pass(database.queryable, step);
        for (let again = 0; again < 2; again++) starts += (await claimIds(database, limits)).length;
        // A minute for the time that the test itself takes.
        expect(starts).toBeLessThanOrEqual(1 + (seconds + 60) / tokenSeconds);
      }
      expect(starts).toBeGreaterThanOrEqual(7);
    });

    it("gives nothing for time that a clock put back repeats, and goes on from there", async () => {
      const ids = await jobs({ count: 3 });
      await claim(database, limits);

      await pass(database.queryable, -100 * tokenSeconds);
      expect(await claimIds(database, limits)).toEqual([]);
      await pass(database.queryable, tokenSeconds);

      expect(await claimIds(database, limits)).toEqual([ids[1]]);
    });
  });

  it("parks what a rate holds back, with the reason, and leaves no trace of it in what starts", async () => {
    const limits = limited({ rateLimit: tenAnHour });
    const ids = await jobs({ count: 2 });

    const { parked } = await claim(database, limits);
    const waiting = await rowsOf(database.queryable, ids);
    await pass(database.queryable, tokenSeconds);
    const { released } = await claim(database, limits);

    expect(parked).toMatchObject([{ id: ids[1], task: "tests.limited", queue: "tests" }]);
    expect(waiting).toEqual([
      { state: "running", reason: null, parked_by: null },
      { state: "scheduled", reason: "rate_limit", parked_by: "task:tests.limited" },
    ]);
    expect(released).toMatchObject([{ id: ids[1] }]);
    const running = { state: "running", reason: null, parked_by: null };
    expect(await rowsOf(database.queryable, ids)).toEqual([running, running]);
  });

  it("counts each key by itself", async () => {
    const limits = limited({ keyRateLimit: tenAnHour });
    const [a] = await jobs({ count: 2, key: "a" });
    const [b] = await jobs({ count: 2, key: "b" });
    const [none, too] = await jobs({ count: 2 });

    const claimed = await claimIds(database, limits);

    expect(new Set(claimed)).toEqual(new Set([a, b, none, too]));
  });

  it("runs no more of a task at once than allowed, and goes on when one has ended", async () => {
    const limits = limited({ concurrency: 2 });
    const ids = await jobs({ count: 4 });

    expect(await claimIds(database, limits)).toEqual(ids.slice(0, 2));
    expect(await claimIds(database, limits)).toEqual([]);
    await end(database.queryable, [ids[0]!]);

    expect(await claimIds(database, limits)).toEqual([ids[2]]);
    expect((await rowsOf(database.queryable, ids))[3]).toEqual({
      state: "scheduled",
      reason: "concurrency_limit",
      parked_by: "task:tests.limited",
    });
  });

  it("looks at the lines that it is told of, and at no others", async () => {
    const limits = limited({ keyConcurrency: 1 });
    const [a1, a2] = await jobs({ count: 2, key: "a" });
    const [b1] = await jobs({ count: 2, key: "b" });
    await claim(database, limits);
    await end(database.queryable, [a1!, b1!]);

    const claimed = await claimIds(database, limits, { lines: { keys: ["key:tests.limited:a"] } });

    expect(claimed).toEqual([a2]);
  });

  it("takes no token of the task for a job whose key holds it", async () => {
    const limits = limited({ rateLimit: { perSecond: 1 / 3600, burst: 2 }, keyConcurrency: 1 });
    const [first] = await jobs({ count: 3, key: "a" });
    const [other] = await jobs({ key: "b" });

    const claimed = await claimIds(database, limits);

    expect(new Set(claimed)).toEqual(new Set([first, other]));
  });

  it("does not keep the line of a task waiting behind one whose key holds it too", async () => {
    const limits = limited({ rateLimit: tenAnHour, keyConcurrency: 1 });
    const [first] = await jobs({ key: "a" });
    expect(await claimIds(database, limits)).toEqual([first]);
    const [held] = await jobs({ key: "a", priority: 9 });
    const [free] = await jobs({ key: "b" });
    // Both stand in the line of the task, as if the key had had room when they came.
    await sql`
      UPDATE job SET state = 'scheduled', reason = 'rate_limit', parked_by = 'task:tests.limited'
      WHERE id <> ${first}`.execute(database.queryable);
    await pass(database.queryable, tokenSeconds);

    const moved = await claim(database, limits, { limit: 1 });
    const claimed = await claimIds(database, limits, { limit: 1 });

    expect(moved).toMatchObject({ jobs: [], isMore: true });
    expect(claimed).toEqual([free]);
    expect(await rowsOf(database.queryable, [held!])).toMatchObject([
      { parked_by: "key:tests.limited:a", reason: "concurrency_limit" },
    ]);
  });

  it("takes the best out of a line: by priority, then by fair share", async () => {
    const limits = limited({ concurrency: 1 });
    const [running] = await jobs();
    const [low1, low2] = await jobs({ count: 2 });
    const [high1, high2] = await jobs({ count: 2, priority: 8 });
    await sql`UPDATE job SET fair = fair + 1 WHERE id = ANY(${[low1, low2]}::uuid[])`.execute(
      database.queryable,
    );
    await sql`UPDATE job SET priority = 9 WHERE id = ${running}`.execute(database.queryable);

    const order: string[] = [];
    for (let turn = 0; turn < 5; turn++) {
      const claimed = await claimIds(database, limits);
      order.push(...claimed);
      await end(database.queryable, claimed);
    }

    expect(order).toEqual([running, high1, high2, low1, low2]);
  });

  it("takes the job that has waited longest out of a line when it is asked for the oldest", async () => {
    const limits = limited({ concurrency: 1 });
    const [running] = await jobs({ priority: 9 });
    await jobs({ count: 2, priority: 7, ageSeconds: 10 });
    const [oldest] = await jobs({ priority: 2, ageSeconds: 60 });
    await claim(database, limits);
    await end(database.queryable, [running!]);

    expect(await claimIds(database, limits, { limit: 1, choice: "oldest" })).toEqual([oldest]);
  });

  it("lets no new job pass those in line, unless it is better", async () => {
    const limits = limited({ rateLimit: tenAnHour });
    const [, second] = await jobs({ count: 2, ageSeconds: 10 });
    await claim(database, limits);
    await sql`UPDATE job SET fair = 0`.execute(database.queryable);
    const [late] = await jobs();
    await pass(database.queryable, tokenSeconds);

    // Not told of any line: the queued job's own is looked at all the same.
    expect(await claimIds(database, limits, { lines: {} })).toEqual([second]);

    const [urgent] = await jobs({ priority: 9 });
    await pass(database.queryable, tokenSeconds);
    expect(await claimIds(database, limits, { lines: {} })).toEqual([urgent]);
    expect(await rowsOf(database.queryable, [late!])).toMatchObject([{ state: "scheduled" }]);
  });

  it("does not give a new job the turn of those in a line of which one claim took only a part", async () => {
    const limits = (task: string) => ({
      concurrency: 5,
      ...(task === "tests.other" ? { keyConcurrency: 0 } : {}),
    });
    const [a1, a2] = await jobs({ count: 2 });
    const [held] = await jobs({ task: "tests.other", key: "k", priority: 9 });
    await sql`
      UPDATE job SET state = 'scheduled', reason = 'concurrency_limit', parked_by = 'task:' || task`.execute(
      database.queryable,
    );
    const [late] = await jobs({ priority: 4 });

    // One of each line, of which one goes to another line.
    expect(await claimIds(database, limits, { limit: 2 })).toEqual([a1]);
    expect(await claimIds(database, limits, { limit: 2 })).toEqual([a2, late]);
    expect(await rowsOf(database.queryable, [held!])).toMatchObject([{ parked_by: "key:tests.other:k" }]);
  });

  it("lets owners take turns in a line, and keeps the order of each one's jobs", async () => {
    const limits = limited({ rateLimit: tenAnHour });
    const many = await jobs({ count: 5, owner: "many" });
    const order = await claimIds(database, limits, { limit: 10 });
    // They stand at the head of an empty queue, where the others were when they came.
    const few = [...(await jobs({ owner: "few" })), ...(await jobs({ owner: "few" }))];
    const late = await jobs({ owner: "many" });

    for (let turn = 0; turn < 7; turn++) {
      await pass(database.queryable, tokenSeconds);
      order.push(...(await claimIds(database, limits, { limit: 10 })));
    }

    const named = new Map([
      ...many.map((id, index) => [id, `many ${index}`] as const),
      ...few.map((id, index) => [id, `few ${index}`] as const),
      ...late.map((id) => [id, "many, late"] as const),
    ]);
    expect(order.map((id) => named.get(id))).toEqual([
      "many 0",
      "many 1",
      "few 0",
      "many 2",
      "few 1",
      "many 3",
      "many 4",
      "many, late",
    ]);
  });

  it("parks a job once, however often and by whomever it is looked at", async () => {
    const limits = limited({ rateLimit: tenAnHour });
    await jobs({ count: 20 });
    let parkings = 0;

    for (let turn = 0; turn < 30; turn++) {
      await pass(database.queryable, turn % 3 === 0 ? tokenSeconds : 0);
      parkings += (await claim(database, limits)).parked.length;
    }

    expect(parkings).toBeLessThanOrEqual(19);
  });

  it("runs tasks without limits beside one whose jobs wait", async () => {
    const limits = limited({ concurrency: 1 });
    await jobs({ count: 5, priority: 9 });
    const others = await jobs({ count: 3, task: "tests.other" });
    await claim(database, limits, { limit: 5 });

    expect(await claimIds(database, limits)).toEqual(others);
  });

  it("takes lines and queue in one order", async () => {
    const limits = limited({ concurrency: 1 });
    const [running] = await jobs({ priority: 9 });
    const [inLine] = await jobs({ priority: 5 });
    await claim(database, limits);
    const [better] = await jobs({ task: "tests.other", priority: 6 });
    const [worse] = await jobs({ task: "tests.other", priority: 4 });
    await end(database.queryable, [running!]);

    expect(await claimIds(database, limits, { limit: 1 })).toEqual([better]);
    expect(await claimIds(database, limits, { limit: 1 })).toEqual([inLine]);
    expect(await claimIds(database, limits, { limit: 1 })).toEqual([worse]);
  });

  it("leaves in their lines the jobs of other queues and of tasks that this worker does not run", async () => {
    const limits = limited({ concurrency: 1 });
    const [running] = await jobs();
    const [elsewhere] = await jobs({ queue: "elsewhere", priority: 9 });
    const [here] = await jobs();
    await claim(database, limits);
    await claim(database, limits, { queue: "elsewhere" });
    await end(database.queryable, [running!]);

    expect(await claimIds(database, limits, { taskKeys: ["tests.limited@2"] })).toEqual([]);
    expect(await claimIds(database, limits)).toEqual([here]);
    expect(await rowsOf(database.queryable, [elsewhere!])).toMatchObject([{ state: "scheduled" }]);
  });

  describe("max_running", () => {
    const set = (queue: string, maxRunning: number | null) =>
      setQueueLimit(database, queue, { maxRunning, by: "test" });

    it("of a queue holds its jobs back, whatever their task, and parks none", async () => {
      await set("tests", 3);
      const ids = await jobs({ count: 5, task: "tests.other" });

      expect(await claimIds(database, () => ({}), { limit: 2 })).toEqual(ids.slice(0, 2));
      expect(await claimIds(database, () => ({}))).toEqual(ids.slice(2, 3));
      expect(await claimIds(database, () => ({}))).toEqual([]);
      await end(database.queryable, ids.slice(0, 1));

      expect(await claimIds(database, () => ({}))).toEqual(ids.slice(3, 4));
      expect((await rowsOf(database.queryable, ids))[4]).toMatchObject({ state: "queued" });
    });

    it("of all queues counts them together", async () => {
      await set("*", 3);
      await jobs({ count: 2, queue: "elsewhere" });
      const ids = await jobs({ count: 5 });

      expect(await claimIds(database, () => ({}), { queue: "elsewhere" })).toHaveLength(2);

      expect(await claimIds(database, () => ({}))).toEqual(ids.slice(0, 1));
    });

    it("holds back those in lines too", async () => {
      const limits = limited({ concurrency: 1 });
      const [running] = await jobs();
      const [inLine] = await jobs();
      await claim(database, limits);
      await end(database.queryable, [running!]);
      await set("tests", 0);

      expect(await claimIds(database, limits)).toEqual([]);
      await set("tests", null);
      expect(await claimIds(database, limits)).toEqual([inLine]);
    });
  });

  it.each(["tests", "*"])(
    "claims nothing while %s is paused, neither from the queue nor from a line",
    async (name) => {
      const limits = limited({ concurrency: 1 });
      const [running] = await jobs();
      await jobs();
      await claim(database, limits);
      await end(database.queryable, [running!]);
      const [other] = await jobs({ task: "tests.other" });
      await pauseQueue(database, name, { by: "test" });

      expect(await claim(database, limits)).toMatchObject({ jobs: [], parked: [], isMore: false });

      await resumeQueue(database, name, { by: "test" });
      const claimed = await claimIds(database, limits);
      expect(claimed).toHaveLength(2);
      expect(claimed).toContain(other);
    },
  );

  it("gives a job to the worker as a plain claim does", async () => {
    const worker = { id: crypto.randomUUID(), name: "w" };
    const [id] = await jobs({ key: "a", owner: "o" });

    const { jobs: claimed } = await claim(database, limited({ keyConcurrency: 1 }), { worker });

    expect(claimed).toMatchObject([
      { id, queue: "tests", task: "tests.limited", owner: "o", attempt: 1, fence: 1, limit_key: "a" },
    ]);
    expect(claimed[0]?.input).toEqual({ script: "x" });
    const rows = await sql<{ is_held: boolean }>`
      SELECT worker_id = ${worker.id} AND lease_until > now() + interval '50 seconds' AND claimed_at IS NOT NULL
        AND started_at IS NOT NULL AS is_held FROM job WHERE id = ${id}`.execute(database.queryable);
    expect(rows.rows).toEqual([{ is_held: true }]);
  });

  it("keeps the counts of jobs by state right", async () => {
    const limits = limited({ rateLimit: tenAnHour });
    await sql`DELETE FROM job_count`.execute(database.queryable);
    await sql`DELETE FROM job_count_change`.execute(database.queryable);
    await jobs({ count: 5 });
    await claim(database, limits);
    await pass(database.queryable, tokenSeconds);
    await claim(database, limits);

    const counted = await sql`
      SELECT state, sum(change) AS count FROM job_count_change GROUP BY state HAVING sum(change) <> 0
      ORDER BY state`.execute(database.queryable);

    expect(counted.rows.map((row) => Object.values(row as object).map(String))).toEqual([
      ["running", "2"],
      ["scheduled", "3"],
    ]);
  });

  describe("an unused limiter", () => {
    const keys = async (): Promise<string[]> => {
      const found = await sql<{ key: string }>`SELECT key FROM limiter`.execute(database.queryable);
      return found.rows.map(({ key }) => key);
    };

    it("is forgotten after two days", async () => {
      await jobs({ key: "a" });
      await claim(database, limited({ keyRateLimit: tenAnHour }));

      await pass(database.queryable, 1.9 * 86_400);
      await pruneLimiters(database);
      expect(await keys()).toEqual(["key:tests.limited:a"]);
      await pass(database.queryable, 0.2 * 86_400);
      await pruneLimiters(database);

      expect(await keys()).toEqual([]);
    });

    it("is kept until two days after its bucket is full, also by who does not know its task", async () => {
      // Ten tokens gone, one comes in ten hours.
      await jobs({ count: 10 });
      await claim(database, limited({ rateLimit: { perSecond: 1 / 36_000, burst: 100 } }));

      await pass(database.queryable, 100 * 3_600 + 47 * 3_600);
      await pruneLimiters(database);
      expect(await keys()).toEqual(["task:tests.limited"]);
      await pass(database.queryable, 2 * 3_600);
      await pruneLimiters(database);

      expect(await keys()).toEqual([]);
    });

    it("of a program of the version before is kept until it is full in all likelihood", async () => {
      await sql`INSERT INTO limiter (key, tokens) VALUES ('task:tests.limited', 1)`.execute(
        database.queryable,
      );

      await pass(database.queryable, 29 * 86_400);
      await pruneLimiters(database);

      expect(await keys()).toEqual(["task:tests.limited"]);
    });
  });
});
