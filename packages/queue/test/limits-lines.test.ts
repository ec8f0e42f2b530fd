import type { Database } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { EventBus } from "../src/index.ts";
import type { JobTransition } from "../src/events/event.ts";
import { LimitedQueue } from "../src/limits/limited-queue.ts";
import type { LimitsOf } from "../src/limits/limits.ts";
import { clear, end, enqueue, pass } from "./limits-scene.ts";

const rateLimit = { perSecond: 10 / 3600, burst: 1 };

/** A worker's way through a queue of which limits hold much back. */
describe.each(testDatabases())("a limited queue on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;
  let told: JobTransition[];

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());
  afterEach(() => clear(database.queryable));

  const create = (limitsOf: LimitsOf): LimitedQueue => {
    told = [];
    const bus = new EventBus(silentLogger);
    bus.onTransition((transition) => void told.push(transition));
    return new LimitedQueue({ database, bus }, { limitsOf, pollMs: 60_000 });
  };

  const request = (limit: number) => ({
    queue: "tests",
    taskKeys: ["tests.limited@1", "tests.other@1"],
    limit,
    worker: { id: newId(), name: "w" },
    leaseMs: 60_000,
    choice: "best" as const,
  });

  const tell = (type: JobTransition["type"]): number => told.filter((one) => one.type === type).length;

  it("reaches what stands behind 20,000 held jobs, parking each of them once", async () => {
    const queue = create((task) => (task === "tests.limited" ? { keyRateLimit: rateLimit } : {}));
    await enqueue(database.queryable, { count: 20_000, key: "busy", priority: 9 });
    const [limited] = await enqueue(database.queryable, { key: "quiet", priority: 8 });
    const [other] = await enqueue(database.queryable, { task: "tests.other" });

    const claimed: string[] = [];
    let claims = 0;
    for (let againInMs = 0; againInMs === 0; claims++) {
      const answer = await queue.claim(request(4));
      claimed.push(...answer.jobs.map(({ id }) => id));
      if (answer.jobs.length === 0) againInMs = answer.againInMs;
    }

    expect(new Set(claimed.slice(1))).toEqual(new Set([limited, other]));
    expect(tell("parked")).toBe(19_999);
    expect(claims).toBeLessThan(12);
  }, 180_000);

  it("tells of every job that is parked and let go", async () => {
    const queue = create(() => ({ rateLimit }));
    await enqueue(database.queryable, { count: 2 });

    await queue.claim(request(4));
    expect(told.map(({ type, job }) => [type, job.state])).toEqual([["parked", "scheduled"]]);
    expect((await queue.claim(request(4))).jobs).toEqual([]);
    await pass(database.queryable, 360);
    const late = create(() => ({ rateLimit }));
    expect((await late.claim(request(4))).jobs).toHaveLength(1);

    expect(told.map(({ type, job }) => [type, job.state])).toEqual([["released", "queued"]]);
  });

  it("says when to come again: with the next start that a rate allows", async () => {
    const queue = create(() => ({ rateLimit: { perSecond: 1 / 30, burst: 1 } }));
    await enqueue(database.queryable, { count: 2 });

    expect((await queue.claim(request(1))).jobs).toHaveLength(1);
    const { jobs, againInMs } = await queue.claim(request(1));

    expect(jobs).toEqual([]);
    expect(againInMs).toBeGreaterThan(0);
    expect(againInMs).toBeLessThanOrEqual(30_000);
  });

  it("sends no more jobs of a key to the line of its task than the key has room for", async () => {
    const queue = create(() => ({ concurrency: 4, keyConcurrency: 1 }));
    const claimAfterEnd = async (id: string, key: string): Promise<string[]> => {
      await end(database.queryable, [id]);
      queue.ended({ task: "tests.limited", limit_key: key });
      return (await queue.claim(request(4))).jobs.map((job) => job.id);
    };
    const [a] = await enqueue(database.queryable, { key: "a" });
    const [b] = await enqueue(database.queryable, { key: "b" });
    await enqueue(database.queryable, { key: "c" });
    await enqueue(database.queryable, { key: "d" });
    expect((await queue.claim(request(4))).jobs).toHaveLength(4);
    const [firstOfE] = await enqueue(database.queryable, { key: "e", count: 50 });
    const [f] = await enqueue(database.queryable, { key: "f" });
    await sql`UPDATE job SET fair = 50 WHERE id = ${f}`.execute(database.queryable);
    expect((await queue.claim(request(4))).jobs).toEqual([]);

    expect(await claimAfterEnd(a!, "a")).toEqual([firstOfE]);
    expect(await claimAfterEnd(b!, "b")).toEqual([f]);
    expect(tell("parked")).toBe(51);

    // The key is free, and the task is full again.
    const [urgent] = await enqueue(database.queryable, { key: "g", priority: 9 });
    expect(await claimAfterEnd(firstOfE!, "e")).toEqual([urgent]);
    const rest = await queue.claim(request(4));
    expect(rest).toMatchObject({ jobs: [], isMore: false });
    expect(rest.againInMs).toBeGreaterThan(0);
    expect(tell("parked")).toBe(52);
  });

  it("takes up a line as soon as one of its jobs has ended here", async () => {
    const queue = create(() => ({ keyConcurrency: 1 }));
    const [first, second] = await enqueue(database.queryable, { count: 2, key: "a" });
    await queue.claim(request(4));
    expect((await queue.claim(request(4))).jobs).toEqual([]);

    await end(database.queryable, [first!]);
    expect((await queue.claim(request(4))).jobs).toEqual([]);
    queue.ended({ task: "tests.limited", limit_key: "a" });

    expect((await queue.claim(request(4))).jobs.map(({ id }) => id)).toEqual([second]);
  });

  it("takes up a line after a hint that a job has ended elsewhere", async () => {
    const queue = create(() => ({ concurrency: 1 }));
    const [first, second] = await enqueue(database.queryable, { count: 2 });
    await queue.claim(request(4));
    await queue.claim(request(4));
    await end(database.queryable, [first!]);

    queue.hint();

    // Not at once when the look before it took long, but long before the next poll.
    await expect.poll(async () => (await queue.claim(request(4))).jobs.map(({ id }) => id)).toEqual([second]);
  });

  it("fills its slots out of many lines", async () => {
    const queue = create(() => ({ keyConcurrency: 2 }));
    for (let key = 0; key < 30; key++) {
      await enqueue(database.queryable, { count: 3, key: `k${key}` });
    }
    await sql`
      UPDATE job SET state = 'scheduled', reason = 'concurrency_limit', parked_by = 'key:tests.limited:' || limit_key`.execute(
      database.queryable,
    );

    const claimed: string[] = [];
    for (let turn = 0; turn < 8; turn++) {
      claimed.push(...(await queue.claim(request(20))).jobs.map(({ id }) => id));
    }

    expect(claimed).toHaveLength(60);
  });

  it("goes through more lines than one claim looks at", async () => {
    const queue = create(() => ({ keyConcurrency: 1 }));
    const ids = await enqueue(database.queryable, { count: 2_400 });
    await sql`
      UPDATE job SET limit_key = 'k' || fair, state = 'scheduled', reason = 'concurrency_limit',
        parked_by = 'key:tests.limited:k' || fair`.execute(database.queryable);

    const claimed = new Set<string>();
    for (let isThrough = false; !isThrough;) {
      const { jobs, againInMs } = await queue.claim(request(300));
      for (const { id } of jobs) claimed.add(id);
      isThrough = jobs.length === 0 && againInMs > 0;
    }

    expect(claimed).toEqual(new Set(ids));
  }, 60_000);
});
