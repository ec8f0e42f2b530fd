import type { Database } from "@millrace/database";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { setQueueLimit } from "../src/control/queue-settings.ts";
import { releaseParked } from "../src/limits/release-parked.ts";
import type { LimitsOf } from "../src/limits/limits.ts";
import { EventBus } from "../src/index.ts";
import { silentLogger } from "@millrace/kernel";
import { claim, clear, end, enqueue } from "./limits-scene.ts";

/** Claims at the same time, over several connections. */
let opened: TestDatabase;
let database: Database;

beforeAll(async () => {
  const kind = testDatabases().find(({ name }) => name === "postgres");
  if (kind === undefined) throw new Error("this test needs PostgreSQL");
  opened = await kind.open();
  database = opened.database;
});
afterEach(() => clear(database.queryable));
afterAll(() => opened.close());

const claimers = 6;
const enoughMs = 6_000;
const leastRounds = 25;

/** So many rounds of claims at once; on a slow machine fewer, but never less than make a race likely. */
async function inRounds(count: number, round: (nth: number) => Promise<void>): Promise<void> {
  const endMs = performance.now() + enoughMs;
  for (let nth = 0; nth < count && (nth < leastRounds || performance.now() < endMs); nth++) await round(nth);
}

/** Claims at once by all claimers; says what runs then, altogether. */
async function claimAtOnce(
  limitsOf: LimitsOf,
  requests: readonly Parameters<typeof claim>[2][],
): Promise<string[]> {
  await Promise.all(requests.map((request) => claim(database, limitsOf, request)));
  const found = await sql<{ id: string }>`SELECT id FROM job WHERE state = 'running'`.execute(
    database.queryable,
  );
  return found.rows.map(({ id }) => id);
}

const atOnce = (request: Parameters<typeof claim>[2]) => Array.from({ length: claimers }, () => request);

async function deadlocks(): Promise<number> {
  const found = await sql<{ deadlocks: number }>`
    SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`.execute(database.queryable);
  return found.rows[0]?.deadlocks ?? -1;
}

it("never runs more of a task than its concurrency, out of the queue and out of the line", async () => {
  await enqueue(database.queryable, { count: 3_000 });
  const most: number[] = [];

  await inRounds(300, async () => {
    const running = await claimAtOnce(() => ({ concurrency: 5 }), atOnce({ limit: 3 }));
    most.push(running.length);
    await end(database.queryable, running);
  });

  expect(Math.max(...most)).toBe(5);
}, 60_000);

it("never starts more than there are tokens", async () => {
  await enqueue(database.queryable, { count: 3_000 });
  const rateLimit = { perSecond: 1 / 86_400, burst: 7 };
  const most: number[] = [];

  await inRounds(300, async () => {
    await sql`DELETE FROM limiter`.execute(database.queryable);
    const running = await claimAtOnce(() => ({ rateLimit }), atOnce({ limit: 3 }));
    most.push(running.length);
    await end(database.queryable, running);
  });

  expect(Math.max(...most)).toBe(7);
}, 60_000);

it.each(["tests", "*"])(
  "never runs more than max_running of %s",
  async (name) => {
    await setQueueLimit(database, "tests", { maxRunning: 50, by: "test" });
    await setQueueLimit(database, name, { maxRunning: 4, by: "test" });
    await enqueue(database.queryable, { count: 1_500 });
    await enqueue(database.queryable, { count: 1_500, queue: "elsewhere" });
    const second = name === "*" ? "elsewhere" : "tests";
    const most: number[] = [];

    await inRounds(150, async () => {
      const requests = [...atOnce({ limit: 3 }), ...atOnce({ limit: 3, queue: second })];
      const running = await claimAtOnce(() => ({}), requests);
      most.push(running.length);
      await end(database.queryable, running);
    });

    expect(Math.max(...most)).toBe(4);
  },
  60_000,
);

it("keeps all limits of many keys at once, without a deadlock", async () => {
  const tasks = ["tests.limited", "tests.other"];
  for (const task of tasks) {
    for (let key = 0; key < 8; key++) {
      await enqueue(database.queryable, { task, key: `k${key}`, count: 100, priority: key % 3 });
    }
  }
  await sql`UPDATE job SET fair = random()`.execute(database.queryable);
  const limits = { concurrency: 6, keyConcurrency: 2 };
  const bus = new EventBus(silentLogger);
  const broker = { announce: () => undefined };
  const broken: unknown[] = [];

  await inRounds(100, async (nth) => {
    const choices = atOnce({ limit: 4, choice: nth % 5 === 0 ? "oldest" : "best" });
    const releasing = releaseParked(
      { database, bus, broker },
      { limitsOf: () => limits, queueOf: () => undefined },
    );
    const running = await claimAtOnce(() => limits, choices);
    await releasing;
    const counted = await sql`
      SELECT task, NULL AS limit_key, count(*) FROM job WHERE state = 'running' GROUP BY task HAVING count(*) > 6
      UNION ALL
      SELECT task, limit_key, count(*) FROM job WHERE state = 'running' GROUP BY task, limit_key HAVING count(*) > 2`.execute(
      database.queryable,
    );
    broken.push(...counted.rows);
    await end(database.queryable, running);
  });

  expect(broken).toEqual([]);
  expect(await deadlocks()).toBe(0);
}, 60_000);
