import type { Database } from "@millrace/database";
import { silentLogger, sleep } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { findJobs, handleTask, listLog, Queue, readJobDetail } from "../src/index.ts";
import type { JobContext, QueueWorker } from "../src/index.ts";
import { reapJobs } from "../src/jobs/reap.ts";
import { TaskRegistry } from "../src/tasks/task-registry.ts";
import { scriptTask } from "./script-task.ts";

type Script = (context: JobContext<{ script: string }>) => Promise<{ answer: string }>;

/** What goes wrong only when two things happen at once; PostgreSQL has more than one connection. */
describe.each(testDatabases())("on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;
  let workers: QueueWorker[];

  beforeAll(async () => {
    workers = [];
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());
  afterEach(async () => {
    for (const worker of workers.splice(0)) await worker.stop();
  });

  const createQueue = (script: Script): Queue =>
    new Queue({ database, logger: silentLogger, handlers: [handleTask({ task: scriptTask, run: script })] });

  const start = async (queue: Queue): Promise<void> => {
    const worker = queue.createWorker({
      name: "w",
      concurrency: 4,
      leaseMs: 20_000,
      beatMs: 10_000,
      pollMs: 50,
      drainMs: 100,
    });
    workers.push(worker);
    await worker.start();
  };

  const enqueue = async (queue: Queue): Promise<string> =>
    (await queue.transaction((scope) => queue.enqueue(scope, scriptTask, { script: "x" }))).id;

  const untilRunning = (id: string): Promise<void> =>
    expect.poll(async () => (await findJobs(database.queryable, [id]))[0]?.state).toBe("running");

  it("writes nothing more for a job whose cancel another process asked for", async () => {
    const asked = Promise.withResolvers<void>();
    const wrote: string[] = [];
    const queue = createQueue(async (context) => {
      await asked.promise;
      await context.transaction(async () => void wrote.push("too late"));
      return { answer: "" };
    });
    await start(queue);
    const id = await enqueue(queue);
    await untilRunning(id);

    await sql`UPDATE job SET cancel_requested_at = now() WHERE id = ${id}`.execute(database.queryable);
    asked.resolve();

    expect((await queue.waitForEnd(id, { timeoutMs: 5000 }))?.state).toBe("cancelled");
    expect(wrote).toEqual([]);
  });

  it("keeps the order and every line of what a job says from several transactions at once", async () => {
    const queue = createQueue(async (context) => {
      let percent = 0;
      const speak = async (voice: number): Promise<void> => {
        for (let line = 0; line < 20; line++) {
          context.log("info", `${voice} ${line}`);
          context.progress({ percent: ++percent });
          if (line % 5 === 0) await context.transaction(() => sleep(5));
          else await sleep(15);
        }
      };
      await Promise.all([1, 2, 3, 4].map(speak));
      context.log("info", "the last line");
      return { answer: "" };
    });
    await start(queue);

    const id = await enqueue(queue);
    await queue.waitForEnd(id, { timeoutMs: 10_000 });

    const { events } = await queue.feed.read(`job:${id}`, 0, 1000);
    const percents = events.flatMap(({ data }) =>
      typeof data["percent"] === "number" ? [data["percent"]] : [],
    );
    expect(percents).toEqual(percents.toSorted((left, right) => left - right));
    const lines = await listLog(database.queryable, { jobIds: [id], limit: 1000 });
    expect(lines).toHaveLength(81);
    const said = events.flatMap(({ data }) => (typeof data["message"] === "string" ? [data["message"]] : []));
    const spoken = said.filter((message) => /^\d \d+$/.test(message));
    for (const voice of [1, 2, 3, 4]) {
      const own = [...new Set(spoken.filter((message) => message.startsWith(`${voice} `)))];
      expect(own).toEqual(Array.from({ length: 20 }, (_none, line) => `${voice} ${line}`));
    }
    expect(said).toContain("the last line");
  });

  /** The worker of three jobs has died; the first was cancelled and its hook throws this, the third runs here. */
  const reapThree = async (refusal: Error): Promise<unknown> => {
    const queue = createQueue(() => Promise.reject(new Error("no worker runs this")));
    const ids = [await enqueue(queue), await enqueue(queue), await enqueue(queue)];
    await sql`
      UPDATE job SET state = 'running', worker_id = id, lease_until = now() - interval '1 second',
        cancel_requested_at = CASE WHEN id = ${ids[0]} THEN now() END
      WHERE id = ANY(${ids}::uuid[])`.execute(database.queryable);
    const refusing = handleTask({
      task: scriptTask,
      run: () => Promise.reject(new Error()),
      onEnd: () => Promise.reject(refusal),
    });
    const parts = {
      database,
      bus: queue.bus,
      broker: { announce: () => undefined, subscribe: () => () => undefined },
      registry: new TaskRegistry([refusing]),
    };

    const reaping = reapJobs(parts, "expired_leases", { isHeld: (id) => id === ids[2] });

    await expect(reaping).rejects.toBe(refusal);
    const states = new Map((await findJobs(database.queryable, ids)).map((job) => [job.id, job.state]));
    await sql`DELETE FROM job WHERE id = ANY(${ids}::uuid[])`.execute(database.queryable);
    return ids.map((id) => states.get(id));
  };

  it("takes back every job but those that run here, that whose hook refuses for good without it", async () => {
    expect(await reapThree(new Error("a broken hook"))).toEqual(["cancelled", "queued", "running"]);
  });

  it("takes back every job but those that run here and the one that can't be ended for now", async () => {
    const busy = Object.assign(new Error("the database is busy"), { code: "database_wait_expired" });

    expect(await reapThree(busy)).toEqual(["running", "queued", "running"]);
  });

  it("does not count an attempt that the database spoiled", async () => {
    let isFirst = true;
    const queue = createQueue(async (context) => {
      if (!isFirst) return { answer: "second" };
      isFirst = false;
      await context.transaction(({ transaction }) =>
        sql`DO $$ BEGIN RAISE EXCEPTION 'going down' USING ERRCODE = '57P01'; END $$`.execute(transaction),
      );
      return { answer: "first" };
    });
    await start(queue);

    const id = await enqueue(queue);
    const job = await queue.waitForEnd(id, { timeoutMs: 15_000 });

    expect(job).toMatchObject({ state: "succeeded", attempt: 1 });
    const { attempts } = await readJobDetail(database.queryable, id);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(["succeeded", "snoozed"]);
  });

  it("leaves no listener behind after waiting for ends", async () => {
    const queue = createQueue(() => Promise.resolve({ answer: "" }));
    const gone = new AbortController();
    const id = await enqueue(queue);
    const before = queue.bus.listenerCount;
    const waiting = Array.from({ length: 20 }, () =>
      queue.waitForEnd(id, { timeoutMs: 60_000, signal: gone.signal }),
    );

    gone.abort();

    expect((await Promise.all(waiting)).map((job) => job?.state)).toEqual(waiting.map(() => "queued"));
    expect(queue.bus.listenerCount).toBe(before);
    await queue.transaction((scope) => queue.cancel(scope, id));
  });
});
