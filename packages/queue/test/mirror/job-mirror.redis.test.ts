import { silentLogger, sleep } from "@millrace/kernel";
import { waitFor } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { handleTask, Queue } from "../../src/index.ts";
import { MirrorScene, secretWork, work } from "./mirror-scene.ts";
import type { OpenedProcess } from "./mirror-scene.ts";

let scene: MirrorScene;

beforeAll(async () => {
  scene = await MirrorScene.open();
});
afterAll(() => scene.close());
afterEach(() => scene.clear());

/** A process that keeps no copies, so that nobody is told of what it does. */
const openOther = () =>
  new Queue({
    database: scene.database,
    logger: silentLogger,
    handlers: [handleTask({ task: work, run: async ({ input }) => ({ said: input.say }) })],
  });

const failing = async () => {
  throw new Error("no luck");
};

const row = (id: string) => sql`WHERE id = ${id}`;
const exec = (statement: ReturnType<typeof sql>) => statement.execute(scene.database.queryable);

async function ended(process: OpenedProcess, say = "hello"): Promise<string> {
  const { id } = await process.queue.add(work, { say });
  const job = await process.queue.waitForEnd(id, { timeoutMs: 10_000 });
  await scene.copied(id, job?.state ?? "");
  return id;
}

it("copies a job with its result after its end, and shows the copy elsewhere without the database", async () => {
  const worker = await scene.openProcess();
  await worker.startWorker();
  const id = await ended(worker);
  const elsewhere = await scene.openProcess();
  const asStored = await openOther().look(id);

  // Never so: to see where it comes from.
  await exec(sql`DELETE FROM job ${row(id)}`);

  const seen = await elsewhere.queue.look(id);
  expect(seen).toMatchObject(asStored ?? {});
  expect(seen?.detail.output).toEqual({ said: "hello" });
  expect(seen?.detail.attempts).toHaveLength(1);
  expect(await elsewhere.queue.result(work, id)).toEqual({ said: "hello" });
});

it("tells where each job that was asked for was read", async () => {
  const worker = await scene.openProcess();
  await worker.startWorker();
  const id = await ended(worker);
  const elsewhere = await scene.openProcess();
  const looks: string[] = [];
  elsewhere.queue.mirror?.onLook((look) => void looks.push(look));

  await elsewhere.queue.look(id);
  await scene.client.hset(`millrace:job:${id}`, "job", "{}");
  await elsewhere.queue.look(id);
  await scene.client.del(`millrace:job:${id}`);
  await elsewhere.queue.look(id);
  await elsewhere.redis.stop();
  await elsewhere.queue.look(id);

  expect(looks).toEqual(["hit", "stale", "miss", "away"]);
});

it("keeps a copy for a day, and not longer than the job", async () => {
  const worker = await scene.openProcess();
  await worker.startWorker();
  const id = await ended(worker);
  const ttlMs = await scene.client.pttl(`millrace:job:${id}`);
  expect(ttlMs).toBeGreaterThan(23 * 3_600_000);
  expect(ttlMs).toBeLessThanOrEqual(24 * 3_600_000);

  await exec(sql`UPDATE job SET purge_at = now() + interval '1 hour' ${row(id)}`);
  worker.queue.mirror?.touch(id);
  await waitFor(async () => (await scene.client.pttl(`millrace:job:${id}`)) <= 3_600_000, {
    describe: "the copy to end with the job",
  });

  await exec(sql`UPDATE job SET purge_at = now() - interval '1 second' ${row(id)}`);
  worker.queue.mirror?.touch(id);
  await waitFor(async () => (await scene.client.exists(`millrace:job:${id}`)) === 0, {
    describe: "no copy of what may be deleted",
  });
});

it("shows progress while the job runs", async () => {
  const release = Promise.withResolvers<void>();
  const worker = await scene.openProcess(async ({ input, progress }) => {
    progress({ percent: 40, message: "Under way" });
    await release.promise;
    return { said: input.say };
  });
  await worker.startWorker();
  const { id } = await worker.queue.add(work, { say: "x" });
  const elsewhere = await scene.openProcess();

  await waitFor(async () => (await scene.copied(id, "running")).job?.includes("Under way"), {
    describe: "the copy to tell of the progress",
  });
  const seen = await elsewhere.queue.look(id);
  release.resolve();

  expect(seen?.job).toMatchObject({ state: "running", percent: 40, message: "Under way" });
});

it("never shows a failure that somebody has undone elsewhere, however old its copy", async () => {
  const worker = await scene.openProcess(failing);
  await worker.startWorker();
  const id = await ended(worker);
  const elsewhere = await scene.openProcess();
  expect((await elsewhere.queue.look(id))?.job).toMatchObject({ state: "failed" });
  const other = openOther();
  await exec(sql`INSERT INTO queue_control (queue, paused_at) VALUES ('tests', now())`);

  await other.transaction((scope) => other.retry(scope, id));

  expect((await scene.client.hget(`millrace:job:${id}`, "job")) ?? "").toContain(`"state":"failed"`);
  expect((await elsewhere.queue.look(id))?.job).toMatchObject({ state: "queued", error_code: null });
  await scene.copied(id, "queued");
  await exec(sql`DELETE FROM queue_control`);
});

it("waits for the end of a job that was put back in line, not for the end that its copy tells of", async () => {
  const worker = await scene.openProcess(failing);
  const running = await worker.startWorker();
  const id = await ended(worker);
  await running.stop();
  const elsewhere = await scene.openProcess();
  const other = openOther();
  await other.transaction((scope) => other.retry(scope, id));

  const job = await elsewhere.queue.waitForEnd(id, { timeoutMs: 50 });

  expect(job?.state).toBe("queued");
});

it("shows no failed job that was deleted", async () => {
  const worker = await scene.openProcess(failing);
  await worker.startWorker();
  const id = await ended(worker);

  await exec(sql`DELETE FROM job ${row(id)}`);

  expect(await (await scene.openProcess()).queue.look(id)).toBeUndefined();
  expect(await worker.queue.look(id)).toBeUndefined();
});

it("shows a copy of a job that has not ended for no longer than a second", async () => {
  const process = await scene.openProcess();
  const { id } = await process.queue.add(work, { say: "x" });
  await scene.copied(id, "queued");
  const elsewhere = await scene.openProcess();
  const other = openOther();

  await other.transaction((scope) => other.cancel(scope, id));
  // What of it is fresh still may be shown; the bound is by the clock of Redis, in the copy itself.
  const freshUntil = Number(await scene.client.hget(`millrace:job:${id}`, "fresh_until"));
  const [seconds, micros] = await scene.client.time();
  expect(freshUntil - (Number(seconds) * 1000 + Number(micros) / 1000)).toBeLessThanOrEqual(1_000);
  await waitFor(async () => (await elsewhere.queue.look(id))?.job.state === "cancelled", {
    describe: "the end to be seen",
  });
});

it("shows nothing of a write that came so late that it is stale when it arrives", async () => {
  const process = await scene.openProcess();
  const { id } = await process.queue.add(work, { say: "x" });
  const copy = await scene.copied(id, "queued");
  const other = openOther();
  await other.transaction((scope) => other.cancel(scope, id));
  await scene.client.flushall();
  const clockMs = (await process.store.readClock()) ?? 0;

  // Read before the cancel, held up for a while, and written when nobody knows better.
  const late = { freshUntilMs: clockMs - 1, expiresAtMs: clockMs + 60_000 };
  await process.store.write([{ id, version: copy.version ?? "", text: copy.job ?? "", ...late }]);

  expect((await (await scene.openProcess()).queue.look(id))?.job.state).toBe("cancelled");
});

it("leaves a later copy alone when an earlier one is written after it", async () => {
  const process = await scene.openProcess();
  const { id } = await process.queue.add(work, { say: "x" });
  const early = await scene.copied(id, "queued");
  await process.startWorker();
  const end = await scene.copied(id, "succeeded");
  const clockMs = (await process.store.readClock()) ?? 0;

  const times = { freshUntilMs: clockMs + 60_000, expiresAtMs: clockMs + 60_000 };
  await process.store.write([{ id, version: early.version ?? "", text: early.job ?? "", ...times }]);

  expect(await scene.client.hgetall(`millrace:job:${id}`)).toEqual(end);
});

it("replaces the copy of an end when the job is put back in line", async () => {
  const process = await scene.openProcess(failing);
  const worker = await process.startWorker();
  const id = await ended(process);
  await worker.stop();

  await process.queue.transaction((scope) => process.queue.retry(scope, id));

  expect((await process.queue.look(id))?.job.state).toBe("queued");
  await scene.copied(id, "queued");
});

it("shows in the process that made a change nothing of before it, whatever Redis does", async () => {
  const { queue } = await scene.openProcess();
  const { id } = await queue.add(work, { say: "x" });
  await scene.copied(id, "queued");
  scene.server.pause();

  await queue.transaction((scope) => queue.cancel(scope, id));

  expect((await queue.look(id))?.job.state).toBe("cancelled");
  await sleep(400); // Until the attempt to copy it has failed.
  expect((await queue.look(id))?.job.state).toBe("cancelled");
});

it.each([
  ["did itself", (queue: Queue, id: string) => queue.mirror?.touch(id)],
  [
    "is told of by a notice",
    (queue: Queue, id: string) =>
      queue.bus.repeatNotice({ topic: "jobs", owner: null, type: "job.changed", data: { job_id: id } }),
  ],
  [
    "is told of by the number of a stream",
    (queue: Queue, id: string) =>
      queue.bus.repeatMoved({ heads: [{ stream: `job:${id}`, seq: 2 }], crowded: [] }),
  ],
])("shows nothing of before a change that the process %s, however fresh the copy", async (_what, tell) => {
  const { queue } = await scene.openProcess();
  const { id } = await openOther().add(work, { say: "x" });
  await queue.look(id);
  await scene.copied(id, "queued");
  // Nobody can replace it, and it stays fresh.
  await scene.client.hset(`millrace:job:${id}`, "version", "9".repeat(68), "fresh_until", "9000000000000000");
  const other = openOther();
  await other.transaction((scope) => other.cancel(scope, id));
  expect((await queue.look(id))?.job.state).toBe("queued");

  tell(queue, id);

  expect((await queue.look(id))?.job.state).toBe("cancelled");
});

it.each([
  ["a text", (key: string) => scene.client.set(key, "garbage")],
  ["a list", (key: string) => scene.client.rpush(key, "garbage")],
  ["no JSON", (key: string) => scene.client.hset(key, "job", "{", "fresh_until", "9e15", "version", "x")],
  ["another shape", (key: string) => scene.client.hset(key, "job", "{}", "fresh_until", "9e15")],
  ["half a copy", (key: string) => scene.client.hset(key, "version", "1")],
])("takes %s under a job's key for no copy, and mends it", async (_what, spoil) => {
  const { queue } = await scene.openProcess();
  const { id } = await queue.add(work, { say: "x" });
  await scene.copied(id, "queued");
  const key = `millrace:job:${id}`;
  await scene.client.del(key);
  await spoil(key);
  const elsewhere = await scene.openProcess();

  expect((await elsewhere.queue.look(id))?.job).toMatchObject({ id, state: "queued" });
  await waitFor(
    async () => {
      await elsewhere.queue.look(id);
      return await scene.copied(id, "queued");
    },
    { describe: "a copy again" },
  );
});

it("takes the copy of another job for none", async () => {
  const process = await scene.openProcess();
  await process.startWorker();
  const first = await ended(process, "first");
  const second = await ended(process, "second");
  await scene.client.copy(`millrace:job:${first}`, `millrace:job:${second}`, "REPLACE");

  const seen = await (await scene.openProcess()).queue.look(second);

  expect(seen?.detail.output).toEqual({ said: "second" });
});

it("leaves out of the copy what nobody is to see, and gives the whole result to code", async () => {
  const process = await scene.openProcess();
  await process.startWorker();
  const { id } = await process.queue.add(secretWork, { password: "hunter2-hunter2" });
  await process.queue.waitForEnd(id, { timeoutMs: 10_000 });
  const copy = await scene.copied(id, "succeeded");
  const elsewhere = await scene.openProcess();

  expect(JSON.stringify(copy)).not.toContain("hunter2");
  expect((await elsewhere.queue.look(id))?.detail).toMatchObject({
    input: { password: "[redacted]" },
    output: { token: "[redacted]", count: 3 },
  });
  expect(await elsewhere.queue.result(secretWork, id)).toEqual({ token: "t-hunter2-hunter2", count: 3 });
});

it("shows nothing of the input and output of a task that it doesn't know, and makes no copy of it", async () => {
  const process = await scene.openProcess();
  await process.startWorker();
  const id = await ended(process);
  const store = process.store;
  const stranger = new Queue({ database: scene.database, logger: silentLogger, handlers: [], mirror: store });

  expect((await stranger.look(id))?.detail).toMatchObject({ input: "[redacted]", output: "[redacted]" });
  await scene.client.flushall();
  await stranger.look(id);
  await sleep(100); // Must stay empty.
  expect(await scene.client.keys("*")).toEqual([]);
});

it("makes no copy of a large job, and finds it in the database", async () => {
  const process = await scene.openProcess();
  await process.startWorker();
  const say = "x".repeat(60_000);
  const { id } = await process.queue.add(work, { say });
  await process.queue.waitForEnd(id, { timeoutMs: 10_000 });
  const small = await ended(process);

  expect((await process.queue.look(id))?.detail.output).toEqual({ said: say });
  expect(await scene.client.exists(`millrace:job:${id}`, `millrace:job:${small}`)).toBe(1);
});

it.each([
  ["FLUSHALL", async () => void (await scene.client.flushall())],
  [
    "the death of Redis",
    async () => {
      await scene.server.kill();
      await scene.server.restart();
    },
  ],
  [
    "a Redis that hangs",
    async () => {
      scene.server.pause();
      await sleep(600);
      scene.server.resume();
    },
  ],
])("loses nothing but time to %s in the midst of work", async (_what, strike) => {
  const worker = await scene.openProcess(undefined, 250);
  await worker.startWorker();
  const elsewhere = await scene.openProcess(undefined, 250);
  const jobs = await worker.queue.addMany(
    Array.from({ length: 300 }, (_, nth) => ({ task: work, input: { say: `${nth}` } })),
  );
  const waiting = jobs.map(({ id }) => elsewhere.queue.waitForEnd(id, { timeoutMs: 30_000 }));

  await strike();

  const ends = await Promise.all(waiting);
  expect(new Set(ends.map((job) => job?.state))).toEqual(new Set(["succeeded"]));
  const results = await Promise.all(jobs.map(({ id }) => elsewhere.queue.result(work, id)));
  expect(results.map(({ said }) => said)).toEqual(jobs.map((_job, nth) => `${nth}`));
});
