import { MillraceError, silentLogger, sleep, stopReason } from "@millrace/kernel";
import type { Database } from "@millrace/database";
import { openTestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  cancelThisJob,
  findJobs,
  handleTask,
  Queue,
  readJobDetail,
  retryAfter,
  snooze,
} from "../src/index.ts";
import type { JobContext, QueueWorker } from "../src/index.ts";
import { attemptOutcome } from "../src/observe/attempt-outcome.ts";
import { scriptTask } from "./script-task.ts";

let database: Database;
const open: QueueWorker[] = [];

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
afterEach(async () => {
  for (const worker of open.splice(0)) await worker.stop();
});

type Script = (context: JobContext<{ script: string }>) => Promise<{ answer: string }>;

function createQueue(scripts: Record<string, Script>, ended: unknown[] = []): Queue {
  return new Queue({
    database,
    logger: silentLogger,
    handlers: [
      handleTask({
        task: scriptTask,
        run: (context) => {
          const script = scripts[context.input.script];
          if (script === undefined) throw new Error("no such script");
          return script(context);
        },
        onEnd: async (_scope, end) => void ended.push(end.state),
      }),
    ],
  });
}

async function startWorker(
  queue: Queue,
  { drainMs = 100, beatMs = 10_000, pollMs = 50 } = {},
): Promise<QueueWorker> {
  const worker = queue.createWorker({
    name: "w",
    concurrency: 4,
    leaseMs: 2 * beatMs,
    beatMs,
    pollMs,
    drainMs,
    isolationEntry: new URL("./isolated-child.ts", import.meta.url),
  });
  open.push(worker);
  await worker.start();
  return worker;
}

function enqueue(queue: Queue, script: string, options = {}): Promise<string> {
  return queue.transaction(async (scope) => (await queue.enqueue(scope, scriptTask, { script }, options)).id);
}

describe("endings", () => {
  it("stores the returned value and calls the hook once", async () => {
    const ended: unknown[] = [];
    const queue = createQueue({ ok: async () => ({ answer: "42" }) }, ended);
    await startWorker(queue);

    const id = await enqueue(queue, "ok");
    const job = await queue.waitForEnd(id, { timeoutMs: 5000 });

    expect(job?.state).toBe("succeeded");
    expect((await readJobDetail(database.queryable, id)).output).toEqual({ answer: "42" });
    expect(ended).toEqual(["succeeded"]);
  });

  it("tries again after an unknown error, and counts", async () => {
    let calls = 0;
    const queue = createQueue({
      flaky: async () => {
        calls++;
        if (calls < 3) throw new Error("not yet");
        return { answer: String(calls) };
      },
    });
    await startWorker(queue);

    const id = await enqueue(queue, "flaky");
    const job = await queue.waitForEnd(id, { timeoutMs: 5000 });

    expect(job?.state).toBe("succeeded");
    expect(job?.attempt).toBe(3);
    const detail = await readJobDetail(database.queryable, id);
    expect(detail.attempts.map((attempt) => attempt.outcome)).toEqual(["succeeded", "failed", "failed"]);
  });

  it("fails at once for an error that would come again, with its code", async () => {
    const queue = createQueue({
      bad: () =>
        Promise.reject(new MillraceError({ code: "file_empty", kind: "invalid", message: "Empty." })),
    });
    await startWorker(queue);

    const id = await enqueue(queue, "bad");
    const job = await queue.waitForEnd(id, { timeoutMs: 5000 });

    expect(job).toMatchObject({ state: "failed", attempt: 1, error_code: "file_empty" });
  });

  it("does not count a snoozed attempt, and counts a retry-after", async () => {
    let calls = 0;
    const queue = createQueue({
      later: async () => {
        calls++;
        if (calls === 1) throw snooze(10, "not now");
        if (calls === 2) throw retryAfter({ delayMs: 10, code: "busy", message: "busy" });
        return { answer: "done" };
      },
    });
    await startWorker(queue);

    const id = await enqueue(queue, "later");
    const job = await queue.waitForEnd(id, { timeoutMs: 5000 });

    expect(job).toMatchObject({ state: "succeeded", attempt: 2 });
  });

  it("ends as cancelled when the handler says so", async () => {
    const queue = createQueue({ never: () => Promise.reject(cancelThisJob("not wanted")) });
    await startWorker(queue);

    const id = await enqueue(queue, "never");

    expect((await queue.waitForEnd(id, { timeoutMs: 5000 }))?.state).toBe("cancelled");
  });
});

describe("steps", () => {
  it("does not run a recorded step again on the next attempt", async () => {
    const runs: string[] = [];
    const queue = createQueue({
      steps: async (context) => {
        const first = await context.step("first", async () => {
          runs.push("first");
          return { n: 7 };
        });
        await context.step("second", async () => {
          runs.push("second");
          if (runs.length === 2) throw new Error("once");
          return null;
        });
        return { answer: String(first.n) };
      },
    });
    await startWorker(queue);

    const id = await enqueue(queue, "steps");
    await queue.waitForEnd(id, { timeoutMs: 5000 });

    expect(runs).toEqual(["first", "second", "second"]);
    expect(
      (await readJobDetail(database.queryable, id)).steps.map(({ key, state, starts }) => [
        key,
        state,
        starts,
      ]),
    ).toEqual([
      ["first", "done", 1],
      ["second", "done", 2],
    ]);
  });

  it("stops the attempt of a job that was taken from its worker and is claimed by it again", async () => {
    const reasons: unknown[] = [];
    const queue = createQueue({
      once: async ({ signal }) => {
        await sleep(60_000, signal).catch(() => reasons.push(stopReason(signal)));
        return { answer: "too late" };
      },
    });
    await startWorker(queue, { beatMs: 60_000 });
    const id = await enqueue(queue, "once");
    await expect.poll(async () => (await findJobs(database.queryable, [id]))[0]?.state).toBe("running");

    expect(await createQueue({}).takeBackAll()).toBe(1);

    await expect.poll(() => reasons).toEqual(["lease_lost"]);
    await queue.transaction((scope) => queue.cancel(scope, id));
    expect(await queue.waitForEnd(id, { timeoutMs: 10_000 })).toMatchObject({ state: "cancelled" });
  });

  it("tells of the worker whose jobs are taken back all at once, and counts the crash of a cancelled one", async () => {
    const stuck = createQueue({
      once: async ({ signal }) => {
        await sleep(60_000, signal);
        return { answer: "never" };
      },
    });
    const dying = await startWorker(stuck, { beatMs: 60_000, pollMs: 60_000 });
    const ids = [await enqueue(stuck, "once"), await enqueue(stuck, "once")];
    const states = async () => (await findJobs(database.queryable, ids)).map(({ state }) => state);
    await expect.poll(states).toEqual(["running", "running"]);
    const next = createQueue({});
    const told: unknown[] = [];
    next.on("worker.lost", ({ worker, jobs }) => void told.push([worker, jobs]));
    next.on("job.crashed", (transition) => void told.push(attemptOutcome(transition)));
    next.on("job.cancelled", (transition) => void told.push(attemptOutcome(transition)));
    await next.transaction((scope) => next.cancel(scope, ids[0] ?? ""));

    expect(await next.takeBackAll()).toBe(2);

    expect(told).toEqual(["crashed", "crashed", [{ id: dying.id, name: "w" }, 2]]);
    await next.transaction((scope) => next.cancel(scope, ids[1] ?? ""));
    await dying.stop();
  });

  it("goes on after the recorded steps when the process died", async () => {
    const runs: string[] = [];
    const stuck = createQueue({
      two: async (context) => {
        await context.step("one", async () => void runs.push("one"));
        await sleep(60_000, context.signal);
        return { answer: "never" };
      },
    });
    // A beat would find out that the job was taken back, a poll would take it again.
    const dying = await startWorker(stuck, { beatMs: 60_000, pollMs: 60_000 });
    const id = await enqueue(stuck, "two");
    await expect.poll(async () => (await readJobDetail(database.queryable, id)).steps[0]?.state).toBe("done");
    const next = createQueue({
      two: async (context) => {
        await context.step("one", async () => void runs.push("one again"));
        return { answer: "resumed" };
      },
    });

    expect(await next.takeBackAll()).toBe(1);
    await startWorker(next);
    const job = await next.waitForEnd(id, { timeoutMs: 5000 });

    expect(job).toMatchObject({ state: "succeeded", attempt: 1, crash_count: 0 });
    expect(runs).toEqual(["one"]);
    expect((await readJobDetail(database.queryable, id)).attempts.map((attempt) => attempt.outcome)).toEqual([
      "succeeded",
      "crashed",
    ]);
    await dying.stop();
    expect((await findJobs(database.queryable, [id]))[0]?.state).toBe("succeeded");
    expect(stuck.staleWrites).toBe(1);
  });
});

describe("a job after a crash", () => {
  /** A job whose worker died once: its next attempt gets a process of its own. */
  async function crashedJob(queue: Queue, script: string): Promise<string> {
    const id = await enqueue(queue, script);
    await sql`UPDATE job SET runs_alone = true WHERE id = ${id}`.execute(database.queryable);
    return id;
  }

  it("runs in a process of its own, with steps and log", async () => {
    const queue = createQueue({});
    const id = await crashedJob(queue, "work");

    await startWorker(queue);
    const job = await queue.waitForEnd(id, { timeoutMs: 20_000 });

    expect(job?.state).toBe("succeeded");
    const detail = await readJobDetail(database.queryable, id);
    expect(detail.output).not.toEqual({ answer: String(process.pid) });
    expect(detail.steps.map((step) => step.state)).toEqual(["done"]);
    const events = (await queue.feed.read(`job:${id}`, 0, 100)).events.map((event) => event.type);
    expect(events).toEqual(["job.queued", "job.logged", "job.succeeded"]);
  });

  it.each(["die", "die_in_transaction"])(
    "fails when it kills its own process three times (%s)",
    async (script) => {
      const ended: unknown[] = [];
      const queue = createQueue({}, ended);
      const id = await crashedJob(queue, script);

      await startWorker(queue);
      const job = await queue.waitForEnd(id, { timeoutMs: 30_000 });

      expect(job).toMatchObject({ state: "failed", error_code: "job_crashed_worker", crash_count: 3 });
      expect(
        (await readJobDetail(database.queryable, id)).attempts.map((attempt) => attempt.outcome),
      ).toEqual(["crashed", "crashed", "crashed"]);
      expect(ended).toEqual(["failed"]);
    },
  );

  it("is cancelled in its own process", async () => {
    const queue = createQueue({});
    const id = await crashedJob(queue, "wait");
    await startWorker(queue);
    await expect.poll(async () => (await findJobs(database.queryable, [id]))[0]?.state).toBe("running");

    await queue.transaction((scope) => queue.cancel(scope, id));

    expect((await queue.waitForEnd(id, { timeoutMs: 20_000 }))?.state).toBe("cancelled");
  });
});

describe("cancel, hand-back and retry", () => {
  it("cancels a queued job with no worker alive", async () => {
    const ended: unknown[] = [];
    const queue = createQueue({}, ended);
    const id = await enqueue(queue, "x");

    await queue.transaction((scope) => queue.cancel(scope, id));

    expect((await findJobs(database.queryable, [id]))[0]?.state).toBe("cancelled");
    expect(ended).toEqual(["cancelled"]);
  });

  it("takes a second cancel as the first, and refuses one after another end", async () => {
    const ended: unknown[] = [];
    const queue = createQueue({ ok: async () => ({ answer: "" }) }, ended);
    const cancelled = await enqueue(queue, "ok");
    await queue.transaction((scope) => queue.cancel(scope, cancelled));

    expect(await queue.transaction((scope) => queue.cancel(scope, cancelled))).toBe("cancelled");
    expect(ended).toEqual(["cancelled"]);

    await startWorker(queue);
    const done = await enqueue(queue, "ok");
    await queue.waitForEnd(done, { timeoutMs: 5000 });
    await expect(queue.transaction((scope) => queue.cancel(scope, done))).rejects.toMatchObject({
      code: "already_finished",
    });
  });

  it("tells a running job to stop", async () => {
    const queue = createQueue({
      wait: (context) => sleep(60_000, context.signal).then(() => ({ answer: "" })),
    });
    await startWorker(queue);
    const id = await enqueue(queue, "wait");
    await expect.poll(async () => (await findJobs(database.queryable, [id]))[0]?.state).toBe("running");

    await queue.transaction((scope) => queue.cancel(scope, id));

    expect((await queue.waitForEnd(id, { timeoutMs: 5000 }))?.state).toBe("cancelled");
  });

  it("hands running jobs back uncounted when the worker stops", async () => {
    const queue = createQueue({
      wait: (context) => sleep(60_000, context.signal).then(() => ({ answer: "" })),
    });
    const worker = await startWorker(queue, { drainMs: 20 });
    const id = await enqueue(queue, "wait");
    await expect.poll(async () => (await findJobs(database.queryable, [id]))[0]?.state).toBe("running");

    await worker.stop();

    expect((await findJobs(database.queryable, [id]))[0]).toMatchObject({ state: "queued", attempt: 0 });
    await queue.transaction((scope) => queue.cancel(scope, id));
  });

  it("retries a failed job on the same row, keeping its history", async () => {
    let isFixed = false;
    const queue = createQueue({
      broken: async () => {
        if (!isFixed) throw new MillraceError({ code: "broken", kind: "invalid", message: "Broken." });
        return { answer: "fixed" };
      },
    });
    await startWorker(queue);
    const id = await enqueue(queue, "broken");
    await queue.waitForEnd(id, { timeoutMs: 5000 });
    isFixed = true;

    await queue.transaction((scope) => queue.retry(scope, id));
    const job = await queue.waitForEnd(id, { timeoutMs: 5000 });

    expect(job).toMatchObject({ state: "succeeded", attempt: 2, error_code: null });
    expect((await readJobDetail(database.queryable, id)).attempts).toHaveLength(2);
  });

  it("retries without the progress of before", async () => {
    const queue = createQueue({
      halfway: async (context) => {
        context.progress({ percent: 50, stage: "reading" });
        throw new MillraceError({ code: "broken", kind: "invalid", message: "Broken." });
      },
    });
    const worker = await startWorker(queue);
    const id = await enqueue(queue, "halfway");
    expect(await queue.waitForEnd(id, { timeoutMs: 5000 })).toMatchObject({ state: "failed", percent: 50 });
    await worker.stop();

    await queue.transaction((scope) => queue.retry(scope, id));

    expect((await findJobs(database.queryable, [id]))[0]).toMatchObject({ percent: null, stage: null });
    await queue.transaction((scope) => queue.cancel(scope, id));
  });

  it("takes one job in ten by its age alone", async () => {
    const order: string[] = [];
    const queue = createQueue({
      note: async (context) => {
        order.push(context.job.id);
        return { answer: "" };
      },
    });
    const oldest = await enqueue(queue, "note", { priority: 0 });
    const urgent: string[] = [];
    for (let count = 0; count < 20; count++) urgent.push(await enqueue(queue, "note", { priority: 9 }));
    await startWorker(queue);

    await queue.waitForEnd(urgent.at(-1) ?? "", { timeoutMs: 10_000 });
    await queue.waitForEnd(oldest, { timeoutMs: 5000 });

    // Four run at once here, so the turn of the oldest comes with the claim that follows the ninth: the fourth
    // when all four are free each time, in which it is started last.
    expect(order.indexOf(oldest)).toBeGreaterThanOrEqual(8);
    expect(order.indexOf(oldest)).toBeLessThanOrEqual(15);
  });
});

describe("events", () => {
  it("numbers what a job says without gaps and in order", async () => {
    const queue = createQueue({
      talk: async (context) => {
        context.log("info", "hello");
        for (let percent = 0; percent <= 100; percent += 5) context.progress({ percent, stage: "talking" });
        await context.transaction(async (scope) => scope.emit("job.said", { what: "inside" }));
        context.log("info", "bye");
        return { answer: "" };
      },
    });
    await startWorker(queue);

    const id = await enqueue(queue, "talk");
    await queue.waitForEnd(id, { timeoutMs: 5000 });
    const page = await queue.feed.read(`job:${id}`, 0, 100);

    expect(page.events.map((event) => event.seq)).toEqual(page.events.map((_event, index) => index + 1));
    expect(page.events.map((event) => event.type)).toEqual([
      "job.queued",
      "job.logged",
      "job.progressed",
      "job.said",
      "job.logged",
      "job.succeeded",
    ]);
  });

  it("tells progress at most four times a second, however often the job commits, and the last always", async () => {
    const queue = createQueue({
      busy: async (context) => {
        for (let percent = 1; percent <= 40; percent++) {
          context.progress({ percent });
          await context.transaction(() => sleep(10));
        }
        return { answer: "" };
      },
    });
    await startWorker(queue);
    const startedMs = performance.now();

    const id = await enqueue(queue, "busy");
    await queue.waitForEnd(id, { timeoutMs: 10_000 });
    const quarters = Math.ceil((performance.now() - startedMs) / 250);
    const { events } = await queue.feed.read(`job:${id}`, 0, 100);

    const percents = events.flatMap(({ type, data }) => (type === "job.progressed" ? [data["percent"]] : []));
    expect(percents.length).toBeLessThanOrEqual(quarters + 1);
    expect(percents.at(-1)).toBe(40);
  });

  it("announces nothing of a transaction that rolled back", async () => {
    const queue = createQueue({});
    const heard: unknown[] = [];
    queue.bus.onEvents((events) => heard.push(...events));

    const attempt = queue.transaction(async (scope) => {
      await queue.enqueue(scope, scriptTask, { script: "x" });
      throw new Error("changed my mind");
    });

    await expect(attempt).rejects.toThrow("changed my mind");
    expect(heard).toEqual([]);
  });
});
