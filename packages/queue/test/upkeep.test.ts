import type { Database } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createMemoryBroker } from "../src/brokers/memory-broker.ts";
import { findJobs, handleTask, Queue, queuesWithoutWorker, unservedTasks } from "../src/index.ts";
import type { AnyTaskHandler } from "../src/index.ts";
import { expireJobs, promoteDueJobs } from "../src/jobs/promote.ts";
import { realignQueued } from "../src/jobs/realign-queued.ts";
import { reapJobs } from "../src/jobs/reap.ts";
import { TaskRegistry } from "../src/tasks/task-registry.ts";
import { createMaintenance } from "../src/worker/maintenance.ts";
import { queueChores } from "../src/worker/queue-chores.ts";
import { registerWorker } from "../src/worker/worker-row.ts";
import { scriptTask } from "./script-task.ts";

/** What workers do for all, whatever single jobs do to them. */
describe.each(testDatabases())("upkeep on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;
  let queue: Queue;

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
    const handler = handleTask({
      task: scriptTask,
      run: () => Promise.reject(new Error("no worker runs this")),
    });
    queue = new Queue({ database, logger: silentLogger, handlers: [handler] });
  });
  afterAll(() => opened.close());
  afterEach(async () => {
    await sql`DELETE FROM job`.execute(database.queryable);
    await sql`DELETE FROM worker`.execute(database.queryable);
  });

  const enqueue = async (script = "x", options = {}): Promise<string> =>
    (await queue.transaction((scope) => queue.enqueue(scope, scriptTask, { script }, options))).id;

  const choresOf = (registry: TaskRegistry) =>
    queueChores(
      {
        database,
        whole: database,
        control: queue.control,
        logger: silentLogger,
        bus: queue.bus,
        broker: { announce: () => undefined },
        registry,
      },
      { pollMs: 10, reapEveryMs: 10, leaseMs: 50, isHeld: () => false, onLost: () => undefined },
    );

  /** What refuses an end now, and would not later. */
  const busy = Object.assign(new Error("the database is busy"), { code: "database_wait_expired" });

  /** Of three late jobs, what becomes of them when the hook of the first throws this. */
  const expireThree = async (refusal: Error): Promise<unknown> => {
    const ids = [await enqueue("refused"), await enqueue(), await enqueue()];
    await sql`UPDATE job SET expires_at = now() - interval '1 second'`.execute(database.queryable);
    const handler = handleTask({
      task: scriptTask,
      run: () => Promise.reject(new Error()),
      onEnd: (_scope, { input }) =>
        input.script === "refused" ? Promise.reject(refusal) : Promise.resolve(),
    });
    const parts = {
      database,
      bus: queue.bus,
      broker: createMemoryBroker(),
      registry: new TaskRegistry([handler]),
    };

    await expect(expireJobs(parts)).rejects.toBe(refusal);

    const states = new Map((await findJobs(database.queryable, ids)).map((job) => [job.id, job.state]));
    return ids.map((id) => states.get(id));
  };

  it("expires every late job, that whose hook refuses for good without it", async () => {
    expect(await expireThree(new Error("a broken hook"))).toEqual(["expired", "expired", "expired"]);
  });

  it("expires every late job but the one that can't be ended for now", async () => {
    expect(await expireThree(busy)).toEqual(["queued", "expired", "expired"]);
  });

  it("lets queued jobs go on that a clock that was put back would keep", async () => {
    const later = await enqueue("later", { delayMs: 3_600_000 });
    const ids = [await enqueue(), await enqueue()];
    await sql`UPDATE job SET run_at = run_at + interval '1 hour'`.execute(database.queryable);

    expect(await realignQueued(database)).toBe(2);

    const found = await sql<{ id: string }>`SELECT id FROM job WHERE run_at <= now()`.execute(
      database.queryable,
    );
    expect(new Set(found.rows.map(({ id }) => id))).toEqual(new Set(ids));
    expect((await findJobs(database.queryable, [later]))[0]?.state).toBe("scheduled");
    expect(await realignQueued(database)).toBe(0);
  });

  it("moves all jobs that are due at the same moment in one turn", async () => {
    await queue.addMany(
      Array.from({ length: 1_200 }, () => ({
        task: scriptTask,
        input: { script: "x" },
        options: { delayMs: 1 },
      })),
    );
    await expect
      .poll(async () => {
        const due = await sql`SELECT 1 FROM job WHERE run_at <= now()`.execute(database.queryable);
        return due.rows.length;
      })
      .toBe(1_200);

    const parts = { database, bus: queue.bus, broker: createMemoryBroker() };
    expect(await promoteDueJobs(parts)).toEqual({ moved: 1_200, hasMore: false });
  });

  it("goes on with old limiters poll by poll, until none is left", async () => {
    await sql`
      INSERT INTO limiter (key, tokens, refilled_at, full_at)
      SELECT 'key:tests.run_script:' || nth, 0, now() - interval '3 days', now() - interval '3 days'
      FROM generate_series(1, 3000) AS nth`.execute(database.queryable);
    const prune = choresOf(new TaskRegistry([])).find(({ name }) => name === "prune limiters")!;

    const polls: unknown[] = [];
    for (let poll = 0; poll < 4; poll++) polls.push(await prune.run(AbortSignal.timeout(60_000)));

    expect(polls).toEqual([true, true, true, false]);
    const left = await sql`SELECT key FROM limiter`.execute(database.queryable);
    expect(left.rows).toEqual([]);
  });

  it("goes on with the other chores when one fails every time", async () => {
    const late = await enqueue();
    await sql`UPDATE job SET expires_at = now() - interval '1 second'`.execute(database.queryable);
    const lost = await enqueue();
    await sql`
      UPDATE job SET state = 'running', worker_id = id, lease_until = now() - interval '1 second'
      WHERE id = ${lost}`.execute(database.queryable);
    const broken = handleTask({
      task: scriptTask,
      run: () => Promise.reject(new Error()),
      onEnd: () => Promise.reject(busy),
    });
    const chores = choresOf(new TaskRegistry([broken]));
    const maintenance = createMaintenance({ logger: silentLogger }, { pollMs: 10, chores });

    await maintenance.start();
    await expect.poll(async () => (await findJobs(database.queryable, [lost]))[0]?.state).toBe("queued");
    await maintenance.stop();

    expect((await findJobs(database.queryable, [late]))[0]?.state).toBe("queued");
  });

  it("queues what is due while thousands of late jobs expire", async () => {
    const late = { task: scriptTask, input: { script: "x" } };
    await queue.addMany(Array.from({ length: 5_000 }, () => late));
    await sql`UPDATE job SET expires_at = now() - interval '1 second'`.execute(database.queryable);
    const due = await enqueue("x", { delayMs: 500 });
    const handler = handleTask({ task: scriptTask, run: () => Promise.reject(new Error()) });
    const maintenance = createMaintenance(
      { logger: silentLogger },
      { pollMs: 10, chores: choresOf(new TaskRegistry([handler])) },
    );

    await maintenance.start();
    const stateOfDue = async () => (await findJobs(database.queryable, [due]))[0]?.state;
    await expect.poll(stateOfDue, { timeout: 100_000 }).toBe("queued");
    const still = await sql`SELECT 1 FROM job WHERE expires_at < now() AND finished_at IS NULL`.execute(
      database.queryable,
    );
    await maintenance.stop();

    expect(still.rows.length).toBeGreaterThan(0);
  }, 120_000);

  describe("in a process that does not run a task", () => {
    const told: string[] = [];
    const handler = handleTask({
      task: scriptTask,
      run: () => Promise.reject(new Error("no worker runs this")),
      onEnd: async (_scope, { state }) => void told.push(state),
    });
    const parts = (handlers: readonly AnyTaskHandler[]) => ({
      database,
      bus: queue.bus,
      broker: createMemoryBroker(),
      registry: new TaskRegistry(handlers),
    });
    const stateOf = async (id: string) => (await findJobs(database.queryable, [id]))[0]?.state;

    beforeEach(() => told.splice(0));

    it("leaves late jobs to those that do, and know what else is to be done", async () => {
      const id = await enqueue();
      await sql`UPDATE job SET expires_at = now() - interval '1 hour'`.execute(database.queryable);

      expect(await expireJobs(parts([]))).toMatchObject({ expired: 0 });
      expect(await stateOf(id)).toBe("queued");
      expect(await expireJobs(parts([handler]))).toMatchObject({ expired: 1 });

      expect([await stateOf(id), told]).toEqual(["expired", ["expired"]]);
    });

    it("expires them when nobody has for a day", async () => {
      const id = await enqueue();
      await sql`UPDATE job SET expires_at = now() - interval '25 hours'`.execute(database.queryable);

      expect(await expireJobs(parts([]))).toMatchObject({ expired: 1 });

      expect(await stateOf(id)).toBe("expired");
    });

    /** Its worker has died that long ago, and somebody has cancelled it since. */
    const cancelledUnderDeadWorker = async (ago: string): Promise<string> => {
      const id = await enqueue();
      await sql`
        UPDATE job SET state = 'running', worker_id = id, lease_until = now() - ${ago}::interval,
          cancel_requested_at = now()`.execute(database.queryable);
      return id;
    };

    it("leaves cancelled jobs of dead workers to those that do", async () => {
      const id = await cancelledUnderDeadWorker("1 hour");

      expect(await reapJobs(parts([]), "expired_leases")).toBe(0);
      expect(await stateOf(id)).toBe("running");
      expect(await reapJobs(parts([handler]), "expired_leases")).toBe(1);

      expect([await stateOf(id), told]).toEqual(["cancelled", ["cancelled"]]);
    });

    it("ends them when nobody has for a day", async () => {
      const id = await cancelledUnderDeadWorker("25 hours");

      expect(await reapJobs(parts([]), "expired_leases")).toBe(1);

      expect(await stateOf(id)).toBe("cancelled");
    });
  });

  it.each([
    ["1 minute", "worker_died"],
    ["1 second", "lease_expired"],
  ])("says of a worker heard of %s ago, after a lease that ended 10 s ago: %s", async (silence, code) => {
    const id = await enqueue();
    const worker = { id: newId(), name: "w", queues: ["tests"], concurrency: 1, tasks: [] };
    await registerWorker(database, worker);
    await sql`UPDATE worker SET beat_at = now() - ${silence}::interval`.execute(database.queryable);
    await sql`
      UPDATE job SET state = 'running', worker_id = ${worker.id}, lease_until = now() - interval '10 s'`.execute(
      database.queryable,
    );
    const handler = handleTask({ task: scriptTask, run: () => Promise.reject(new Error()) });
    const registry = new TaskRegistry([handler]);

    await reapJobs({ database, bus: queue.bus, broker: createMemoryBroker(), registry }, "expired_leases");

    const attempts = await sql`SELECT outcome, error_code FROM job_attempt WHERE job_id = ${id}`.execute(
      database.queryable,
    );
    expect(attempts.rows).toEqual([{ outcome: "crashed", error_code: code }]);
  });

  it("expires nothing once it was told to stop", async () => {
    const id = await enqueue();
    await sql`UPDATE job SET expires_at = now() - interval '1 second'`.execute(database.queryable);
    const handler = handleTask({ task: scriptTask, run: () => Promise.reject(new Error()) });
    const parts = {
      database,
      bus: queue.bus,
      broker: createMemoryBroker(),
      registry: new TaskRegistry([handler]),
    };

    expect(await expireJobs(parts, AbortSignal.abort())).toMatchObject({ expired: 0 });

    expect((await findJobs(database.queryable, [id]))[0]?.state).toBe("queued");
  });

  it("names the queues with work that no living worker serves", async () => {
    await enqueue();
    for (const name of ["alpha", "omega"]) {
      const id = await enqueue();
      await sql`UPDATE job SET queue = ${name} WHERE id = ${id}`.execute(database.queryable);
    }
    const worker = { id: crypto.randomUUID(), name: "w", queues: ["tests"], concurrency: 1, tasks: [] };
    await registerWorker(database, worker);

    expect(await queuesWithoutWorker(database, 60_000)).toEqual(["alpha", "omega"]);
  });

  it("names the tasks that no worker of their queue knows", async () => {
    await enqueue();
    const old = await enqueue();
    await sql`UPDATE job SET task_version = 7 WHERE id = ${old}`.execute(database.queryable);
    const elsewhere = await enqueue();
    await sql`UPDATE job SET queue = 'unserved', task = 'tests.other' WHERE id = ${elsewhere}`.execute(
      database.queryable,
    );
    const tasks = [`${scriptTask.name}@${scriptTask.version}`];
    const worker = { id: crypto.randomUUID(), name: "w", queues: ["tests"], concurrency: 1, tasks };
    await registerWorker(database, worker);

    expect(await unservedTasks(database, 60_000)).toEqual([`${scriptTask.name}@7`]);
  });
});
