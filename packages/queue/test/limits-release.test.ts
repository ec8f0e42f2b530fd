import type { Hint } from "../src/brokers/broker.ts";
import type { Database } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, EventBus, handleTask, Queue } from "../src/index.ts";
import type { JobTransition } from "../src/events/event.ts";
import { expireJobs, promoteDueJobs } from "../src/jobs/promote.ts";
import type { LimitsOf } from "../src/limits/limits.ts";
import { mostReleased, releaseParked } from "../src/limits/release-parked.ts";
import type { LinesKnown } from "../src/limits/release-parked.ts";
import { TaskRegistry } from "../src/tasks/task-registry.ts";
import { claim, claimIds, clear, end, enqueue, rowsOf } from "./limits-scene.ts";

const stopped = { "tests.limited": { keyConcurrency: 0, concurrency: 0 }, "tests.other": {} };
const handler = handleTask({
  task: defineTask({ name: "tests.limited", queue: "tests", input: z.unknown(), output: z.null() }),
  run: async () => null,
});
const limitsOf = (task: string) => (stopped as Record<string, object>)[task];
/** Of tasks that nobody has given another queue. */
const inTests = (limits: LimitsOf): LinesKnown => ({ limitsOf: limits, queueOf: () => undefined });

/** What becomes of jobs in the lines of limits, besides being claimed. */
describe.each(testDatabases())("parked jobs on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;
  let queue: Queue;
  let told: JobTransition[];
  let announced: string[];

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
    queue = new Queue({ database, logger: silentLogger, handlers: [handler] });
  });
  afterAll(() => opened.close());
  afterEach(() => clear(database.queryable));

  const parts = () => {
    told = [];
    announced = [];
    const bus = new EventBus(silentLogger);
    bus.onTransition((transition) => void told.push(transition));
    const broker = { announce: ({ queue }: Hint) => void announced.push(queue) };
    return { database, bus, broker, registry: new TaskRegistry([handler]) };
  };

  const park = async (options: Parameters<typeof enqueue>[1] = {}): Promise<string[]> => {
    const ids = await enqueue(database.queryable, options);
    const { parked } = await claim(database, limitsOf, {
      limit: ids.length,
      ...(options.queue === undefined ? {} : { queue: options.queue }),
    });
    expect(parked).toHaveLength(ids.length);
    return ids;
  };

  it("are let go when their limit was taken away, and their queues are told", async () => {
    const ids = await park({ count: 2 });
    const elsewhere = await park({ queue: "elsewhere" });

    const count = await releaseParked(
      parts(),
      inTests(() => ({})),
    );

    expect(count).toBe(3);
    expect(await rowsOf(database.queryable, [...ids, ...elsewhere])).toEqual(
      Array.from({ length: 3 }, () => ({ state: "queued", reason: null, parked_by: null })),
    );
    expect(announced.toSorted()).toEqual(["elsewhere", "tests"]);
    expect(told.map(({ type, job }) => [type, job.state])).toEqual(
      Array.from({ length: 3 }, () => ["released", "queued"]),
    );
  });

  it("are let go by the thousand, in several transactions", async () => {
    await enqueue(database.queryable, { count: 2_500 });
    await sql`
      UPDATE job SET state = 'scheduled', reason = 'rate_limit', parked_by = 'task:tests.limited'`.execute(
      database.queryable,
    );

    expect(
      await releaseParked(
        parts(),
        inTests(() => ({})),
      ),
    ).toBe(2_500);
  });

  it("are let go some at a time, which leaves other upkeep its turn", async () => {
    await enqueue(database.queryable, { count: mostReleased + 1 });
    await sql`
      UPDATE job SET state = 'scheduled', reason = 'rate_limit', parked_by = 'task:tests.limited'`.execute(
      database.queryable,
    );
    const release = () =>
      releaseParked(
        parts(),
        inTests(() => ({})),
      );

    expect([await release(), await release()]).toEqual([mostReleased, 1]);
  }, 60_000);

  it("follow their task to its new queue some at a time too", async () => {
    await enqueue(database.queryable, { count: mostReleased + 1, queue: "former" });
    await sql`
      UPDATE job SET state = 'scheduled', reason = 'rate_limit', parked_by = 'task:tests.limited'`.execute(
      database.queryable,
    );

    await releaseParked(parts(), { limitsOf, queueOf: () => "tests" });

    const left = await sql`SELECT 1 FROM job WHERE queue = 'former'`.execute(database.queryable);
    expect(left.rows).toHaveLength(1);
  }, 60_000);

  it("follow their task to its new queue, which is told, and keep their places in the line", async () => {
    const keyed = await park({ count: 2, key: "a", queue: "former" });
    const ids = [...keyed, ...(await park({ queue: "former" }))];
    await park({ queue: "tests" });

    const moving = parts();
    expect(await releaseParked(moving, { limitsOf, queueOf: () => "tests" })).toBe(0);

    expect(await rowsOf(database.queryable, ids)).toEqual(
      ids.map((_id, nth) => ({
        state: "scheduled",
        reason: "concurrency_limit",
        parked_by: nth < 2 ? "key:tests.limited:a" : "task:tests.limited",
      })),
    );
    const queues = await sql<{ queue: string }>`SELECT DISTINCT queue FROM job`.execute(database.queryable);
    expect(queues.rows).toEqual([{ queue: "tests" }]);
    expect(announced).toEqual(["tests"]);
    expect(await claimIds(database, () => ({ concurrency: 10 }), { limit: 10 })).toContain(ids[2]);
  });

  it("are let go in the new queue of their task when their limit is gone too", async () => {
    await park({ count: 2, queue: "former" });

    expect(await releaseParked(parts(), { limitsOf: () => ({}), queueOf: () => "tests" })).toBe(2);

    const jobs = await sql`SELECT DISTINCT queue, state FROM job`.execute(database.queryable);
    expect(jobs.rows).toEqual([{ queue: "tests", state: "queued" }]);
  });

  it("stay in the queue that a schedule of their task names, beside those that follow it", async () => {
    const nightly = { name: "nightly", task: "tests.limited", everyMs: 86_400_000, queue: "reports" };
    await queue.schedules.create(nightly, { by: "ann" });
    const ofSchedule = await park({ count: 2, queue: "reports" });
    await park({ queue: "tests" });
    const [strayed] = await park({ queue: "former", priority: 9 });

    await releaseParked(parts(), { limitsOf, queueOf: () => "tests" });

    const queues = await sql<{ id: string; queue: string }>`
      SELECT id, queue FROM job WHERE id = ANY(${[...ofSchedule, strayed]}::uuid[]) ORDER BY id`.execute(
      database.queryable,
    );
    expect(queues.rows).toEqual([
      ...ofSchedule.map((id) => ({ id, queue: "reports" })),
      { id: strayed, queue: "tests" },
    ]);
  });

  it("are let go when only the limit of their key was taken away", async () => {
    const [keyed] = await park({ key: "a" });
    const [other] = await park();

    expect(
      await releaseParked(
        parts(),
        inTests(() => ({ concurrency: 0 })),
      ),
    ).toBe(1);

    const states = (await rowsOf(database.queryable, [keyed!, other!])).map(({ state }) => state);
    expect(states).toEqual(["queued", "scheduled"]);
  });

  it("stay while their limit is there, and when this process does not know their task", async () => {
    await park({ count: 2 });

    expect(await releaseParked(parts(), inTests(limitsOf))).toBe(0);
    expect(
      await releaseParked(
        parts(),
        inTests(() => undefined),
      ),
    ).toBe(0);
  });

  it("come back behind those that took their places in the queue meanwhile", async () => {
    const [parked] = await park();
    const [first] = await enqueue(database.queryable, { task: "tests.other" });
    await sql`UPDATE job SET fair = 40 WHERE id = ${first}`.execute(database.queryable);

    await releaseParked(
      parts(),
      inTests(() => ({})),
    );

    const found = await sql<{ fair: number }>`SELECT fair FROM job WHERE id = ${parked}`.execute(
      database.queryable,
    );
    expect(found.rows).toEqual([{ fair: 40 }]);
  });

  it("come back one turn behind the other, whatever their places were when everybody's line was empty", async () => {
    const ids = await park({ count: 3 });
    await sql`UPDATE job SET fair = fair + 1000`.execute(database.queryable);
    await enqueue(database.queryable, { count: 5, task: "tests.other", owner: "b" });

    await releaseParked(
      parts(),
      inTests(() => ({})),
    );

    const found = await sql<{ fair: number }>`
      SELECT fair FROM job WHERE id = ANY(${ids}::uuid[]) ORDER BY id`.execute(database.queryable);
    expect(found.rows.map(({ fair }) => fair)).toEqual([0, 1, 2]);
  });

  it("may start at once when the limit was raised", async () => {
    const ids = await park({ count: 3 });

    expect(await claimIds(database, () => ({ concurrency: 2 }))).toEqual(ids.slice(0, 2));
  });

  it("are not promoted: their time has come already", async () => {
    const ids = await park();

    expect((await promoteDueJobs(parts())).moved).toBe(0);

    expect(await rowsOf(database.queryable, ids)).toMatchObject([{ state: "scheduled" }]);
  });

  it("can be cancelled, and retried after that", async () => {
    const [id] = await park();

    await queue.transaction((scope) => queue.cancel(scope, id!));
    expect(await rowsOf(database.queryable, [id!])).toEqual([
      { state: "cancelled", reason: null, parked_by: null },
    ]);
    await queue.transaction((scope) => queue.retry(scope, id!));

    expect(await claimIds(database, () => ({ concurrency: 1 }))).toEqual([id]);
  });

  it("expire, and are never claimed when they are late", async () => {
    const [late, fresh] = await park({ count: 2 });
    await sql`UPDATE job SET expires_at = now() - interval '1 second' WHERE id = ${late}`.execute(
      database.queryable,
    );

    expect(await claimIds(database, () => ({ concurrency: 2 }))).toEqual([fresh]);
    expect(await expireJobs(parts())).toMatchObject({ expired: 1 });

    expect(await rowsOf(database.queryable, [late!])).toEqual([
      { state: "expired", reason: null, parked_by: null },
    ]);
  });

  it("wait again when they run, fail and come back", async () => {
    const limits = () => ({ concurrency: 1 });
    const [first, second] = await enqueue(database.queryable, { count: 2 });
    await claim(database, limits);
    await end(database.queryable, [first!]);
    await claim(database, limits);
    await enqueue(database.queryable, { priority: 9 });
    // As a handed back job is: queued, with nothing left of its claim.
    await sql`
      UPDATE job SET state = 'queued', worker_id = NULL, lease_until = NULL WHERE id = ${second}`.execute(
      database.queryable,
    );
    await claim(database, limits);

    expect(await rowsOf(database.queryable, [second!])).toEqual([
      { state: "scheduled", reason: "concurrency_limit", parked_by: "task:tests.limited" },
    ]);
  });
});
