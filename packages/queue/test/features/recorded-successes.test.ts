import { newId, silentLogger, sleep } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleTask, Queue, snooze } from "../../src/index.ts";
import type { AnyTaskHandler, JobContext } from "../../src/index.ts";
import { useQueue } from "./use-queue.ts";
import { watchDatabase } from "./watch-database.ts";
import type { Watcher } from "./watch-database.ts";

const task = defineTask({
  name: "tests.succeed",
  queue: "tests",
  input: z.object({ nth: z.number() }),
  output: z.unknown(),
  retries: 0,
});

type Run = (context: JobContext<z.infer<typeof task.input>>) => Promise<unknown>;

/** Most jobs have nothing to write but their success: those are recorded many at once, the others each by itself. */
describe.each(testDatabases())("a success on $name", (kind) => {
  const opened = useQueue(kind);

  const createQueue = (handlers: readonly AnyTaskHandler[], watcher: Watcher = {}): Queue =>
    new Queue({ database: watchDatabase(opened.database, watcher), logger: silentLogger, handlers });
  const handle = (run: Run): AnyTaskHandler => handleTask({ task, run });

  const rowsOf = async (ids: readonly string[]) => {
    const found = await sql<{
      state: string;
      attempt: number;
      fence: number;
      worker_id: string | null;
      lease_until: Date | null;
      kept_days: number;
      output: unknown;
      error_code: string | null;
      event_seq: number;
    }>`
      SELECT state, job.attempt, job.fence, job.worker_id, lease_until, event_seq, output, job.error_code,
             (extract(epoch FROM purge_at - job.finished_at) / 86400)::double precision AS kept_days
      FROM unnest(${[...ids]}::uuid[]) WITH ORDINALITY AS wanted (id, nth) JOIN job USING (id)
      ORDER BY nth`.execute(opened.database.queryable);
    return found.rows;
  };

  const runOne = async (queue: Queue, options = {}): Promise<string> => {
    const { id } = await queue.add(task, { nth: 1 }, options);
    await opened.startWorker(queue);
    await queue.waitForEnd(id, { timeoutMs: 15_000 });
    return id;
  };

  it("of many jobs is recorded with few statements, each with its own result", async () => {
    let statements = 0;
    const queue = createQueue([handle(async ({ input }) => ({ twice: input.nth * 2 }))], {
      onStatement: (text) => void (statements += text.includes("succeed_jobs") ? 1 : 0),
    });
    const jobs = await queue.addMany(Array.from({ length: 300 }, (_none, nth) => ({ task, input: { nth } })));

    await opened.startWorker(queue, { concurrency: 100 });
    for (const { id } of jobs) await queue.waitForEnd(id, { timeoutMs: 30_000 });

    const rows = await rowsOf(jobs.map(({ id }) => id));
    expect(rows.map(({ state, output }) => [state, output])).toEqual(
      jobs.map((_job, nth) => ["succeeded", { twice: nth * 2 }]),
    );
    expect(statements).toBeLessThan(150);
  });

  it("leaves the job's row as every end does", async () => {
    const id = await runOne(createQueue([handle(async () => null)]));

    expect(await rowsOf([id])).toEqual([
      {
        state: "succeeded",
        attempt: 1,
        fence: 1,
        worker_id: null,
        lease_until: null,
        kept_days: 7,
        output: null,
        error_code: null,
        event_seq: 2,
      },
    ]);
  });

  it("leaves the record of its attempt", async () => {
    const queue = createQueue([handle(async () => null)]);
    const id = await runOne(queue);

    const { attempts } = await queue.readDetail(id);

    expect(attempts).toMatchObject([
      { attempt: 1, outcome: "succeeded", worker_name: "w", error_code: null, error_message: null },
    ]);
    const [{ started_at, finished_at } = { started_at: new Date(), finished_at: null }] = attempts;
    expect(finished_at?.getTime()).toBeGreaterThanOrEqual(started_at.getTime());
  });

  it("is the last event of its stream, with the next number, told as it is stored", async () => {
    const queue = createQueue([handle(async () => null)]);
    const told: unknown[] = [];
    queue.bus.onEvents((events) => told.push(...events));

    const id = await runOne(queue);

    const page = await queue.feed.read(`job:${id}`, 0, 10);
    expect(page).toMatchObject({ lastSeq: 2, oldestSeq: 1 });
    expect(page.events).toMatchObject([
      { seq: 1, type: "job.queued" },
      { seq: 2, type: "job.succeeded", data: { job_id: id } },
    ]);
    expect(told).toEqual(page.events);
  });

  it("is told to hooks once, with how long it took", async () => {
    const queue = createQueue([handle(() => sleep(20).then(() => null))]);
    const told: unknown[] = [];
    queue.on("job.succeeded", (event) => void told.push(event));

    const id = await runOne(queue, { owner: "acme" });

    expect(told).toMatchObject([
      { job: { id, owner: "acme", state: "succeeded", attempt: 1 }, runMs: expect.any(Number) },
    ]);
  });

  it("is kept for as long as its task says", async () => {
    const short = { ...task, retention: { succeededDays: 0.5 } };
    const long = { ...task, name: "tests.succeed_long", retention: { succeededDays: 90 } };
    const queue = createQueue([short, long].map((one) => handleTask({ task: one, run: async () => null })));
    const jobs = await queue.addMany([short, long].map((one) => ({ task: one, input: { nth: 1 } })));

    await opened.startWorker(queue);
    for (const { id } of jobs) await queue.waitForEnd(id, { timeoutMs: 15_000 });

    expect((await rowsOf(jobs.map(({ id }) => id))).map(({ kept_days }) => kept_days)).toEqual([0.5, 90]);
  });

  it("changes the counts of its queue", async () => {
    const queue = createQueue([handle(async () => null)]);
    const countOf = async (state: string): Promise<number> =>
      (await queue.control.countJobs()).find((row) => row.queue === "tests" && row.state === state)?.count ??
      0;
    const before = await countOf("succeeded");

    await runOne(queue);

    expect((await countOf("succeeded")) - before).toBe(1);
    expect(await countOf("running")).toBe(0);
  });

  it("fills the progress that an earlier try left, also where it is recorded with others", async () => {
    const statements: string[] = [];
    const seen = new Set<number>();
    const queue = createQueue(
      [
        handle(async ({ input, progress }) => {
          if (seen.has(input.nth)) return null;
          seen.add(input.nth);
          progress({ percent: 40 });
          throw snooze(1, "later");
        }),
      ],
      { onStatement: (text) => void statements.push(text) },
    );
    const jobs = await queue.addMany([1, 2].map((nth) => ({ task, input: { nth } })));

    await opened.startWorker(queue);
    for (const { id } of jobs) await queue.waitForEnd(id, { timeoutMs: 15_000 });

    const found = await Promise.all(jobs.map(({ id }) => opened.find(id)));
    expect(found).toMatchObject(jobs.map(() => ({ state: "succeeded", percent: 100, eta_seconds: null })));
    expect(statements.some((text) => text.includes("succeed_jobs"))).toBe(true);
  });

  it("of jobs that are tried again is recorded with others", async () => {
    let isBroken = true;
    let statements = 0;
    const queue = createQueue(
      [
        handle(async ({ input }) => {
          if (isBroken) throw new Error("as told");
          return input.nth;
        }),
      ],
      { onStatement: (text) => void (statements += text.includes("succeed_jobs") ? 1 : 0) },
    );
    const jobs = await queue.addMany(Array.from({ length: 100 }, (_none, nth) => ({ task, input: { nth } })));
    await opened.startWorker(queue, { concurrency: 50 });
    for (const { id } of jobs) await queue.waitForEnd(id, { timeoutMs: 30_000 });
    isBroken = false;

    await queue.control.retryJobs({ queue: "tests", owners: [null] });
    for (const { id } of jobs) await queue.waitForEnd(id, { timeoutMs: 30_000 });

    const rows = await rowsOf(jobs.map(({ id }) => id));
    expect(rows.map(({ state, output, attempt }) => [state, output, attempt])).toEqual(
      jobs.map((_job, nth) => ["succeeded", nth, 2]),
    );
    expect(statements).toBeGreaterThan(0);
    expect(statements).toBeLessThan(60);
    const [first] = jobs;
    const { events } = await queue.feed.read(`job:${first?.id}`, 0, 10);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
    expect(events.at(-1)).toMatchObject({ type: "job.succeeded" });
    expect((await queue.readDetail(first?.id ?? "")).attempts.map(({ outcome }) => outcome)).toEqual([
      "succeeded",
      "failed",
    ]);
  });

  const ways: readonly [string, Run][] = [
    ["logs", async (context) => context.log("info", "hello")],
    ["reports progress", async (context) => context.progress({ percent: 10 })],
    ["has a transaction", async (context) => context.transaction(() => Promise.resolve())],
    ["sets meta", async (context) => context.setMeta({ a: 1 })],
  ];

  it.each(ways)("of a job that %s is recorded by itself, and is the same", async (_name, say) => {
    const statements: string[] = [];
    const onStatement = (text: string): void => void statements.push(text);
    const queue = createQueue(
      [
        handle(async (context) => {
          await say(context);
          return { answer: 42 };
        }),
      ],
      { onStatement },
    );

    const id = await runOne(queue);

    const [row] = await rowsOf([id]);
    expect(row).toMatchObject({
      state: "succeeded",
      fence: 1,
      kept_days: 7,
      output: { answer: 42 },
      worker_id: null,
    });
    expect((await queue.readDetail(id)).attempts).toMatchObject([{ outcome: "succeeded", worker_name: "w" }]);
    const { events } = await queue.feed.read(`job:${id}`, 0, 10);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
    expect(events.at(-1)).toMatchObject({ type: "job.succeeded" });
    expect(statements.filter((text) => text.includes("succeed_jobs"))).toEqual([]);
  });

  it("of a task with a hook is recorded with what the hook writes", async () => {
    const queue = createQueue([
      handleTask({
        task,
        run: async () => ({ answer: 42 }),
        onEnd: async ({ transaction }, end) => {
          const note = JSON.stringify({ ended: end.state });
          await sql`UPDATE job_payload SET meta = ${note}::jsonb WHERE job_id = ${end.jobId}`.execute(
            transaction,
          );
        },
      }),
    ]);

    const id = await runOne(queue);

    expect((await queue.readDetail(id)).meta).toEqual({ ended: "succeeded" });
    expect(await rowsOf([id])).toMatchObject([{ state: "succeeded", output: { answer: 42 } }]);
  });

  it("of a job with a stream that others share is numbered there", async () => {
    const stream = `document:${newId()}`;
    const queue = createQueue([handle(async () => null)]);

    const id = await runOne(queue, { stream });

    expect(await rowsOf([id])).toMatchObject([{ state: "succeeded", event_seq: 0 }]);
    const { events } = await queue.feed.read(stream, 0, 10);
    expect(events.map(({ type }) => type)).toEqual(["document.queued"]);
  });

  it("is kept with the replacement character for what the database refuses", async () => {
    const queue = createQueue([handle(async () => ({ text: "a\0b\uD83D" }))]);

    const id = await runOne(queue);

    expect(await rowsOf([id])).toMatchObject([{ state: "succeeded", output: { text: "a\uFFFDb\uFFFD" } }]);
  });

  it("is none when what was returned is not JSON", async () => {
    const queue = createQueue([handle(async () => 10n)]);

    const id = await runOne(queue);

    expect(await rowsOf([id])).toMatchObject([
      { state: "failed", error_code: "invalid_job_output", output: null },
    ]);
  });

  it("is none when the database refuses what was returned, and those beside it are", async () => {
    await sql`ALTER TABLE job ADD CONSTRAINT refuses CHECK (output IS DISTINCT FROM '"refused"')`.execute(
      opened.database.queryable,
    );
    const all = Promise.withResolvers<void>();
    let started = 0;
    const queue = createQueue([
      handle(async ({ input }) => {
        if (++started === 10) all.resolve();
        await all.promise;
        return input.nth === 3 ? "refused" : input.nth;
      }),
    ]);
    const jobs = await queue.addMany(Array.from({ length: 10 }, (_none, nth) => ({ task, input: { nth } })));

    await opened.startWorker(queue, { concurrency: 10 });
    for (const { id } of jobs) await queue.waitForEnd(id, { timeoutMs: 15_000 });

    await sql`ALTER TABLE job DROP CONSTRAINT refuses`.execute(opened.database.queryable);
    const rows = await rowsOf(jobs.map(({ id }) => id));
    expect(rows.map(({ error_code }) => error_code)).toEqual(
      jobs.map((_job, nth) => (nth === 3 ? "end_not_recorded" : null)),
    );
  });

  it("while a cancel was asked for is that or a cancel, never both", async () => {
    const released = Promise.withResolvers<null>();
    const queue = createQueue([handle(() => released.promise)]);
    // Another process, which this worker does not hear.
    const other = opened.createQueue([]);
    const jobs = await queue.addMany(Array.from({ length: 40 }, (_none, nth) => ({ task, input: { nth } })));
    await opened.startWorker(queue, { concurrency: 40 });
    await expect
      .poll(
        async () =>
          (await rowsOf(jobs.map(({ id }) => id))).filter(({ state }) => state === "running").length,
      )
      .toBe(40);

    const cancelling = jobs.map(({ id }) => other.transaction((scope) => other.cancel(scope, id)));
    released.resolve(null);
    const answers = await Promise.allSettled(cancelling);
    const ended = await Promise.all(jobs.map(({ id }) => queue.waitForEnd(id, { timeoutMs: 15_000 })));

    const types = await Promise.all(
      jobs.map(async ({ id }) => (await queue.feed.read(`job:${id}`, 0, 10)).events.map(({ type }) => type)),
    );
    expect(types).toEqual(ended.map((job) => ["job.queued", `job.${job?.state}`]));
    expect(ended.filter((job) => job?.state !== "succeeded" && job?.state !== "cancelled")).toEqual([]);
    const refusals = answers.filter(({ status }) => status === "rejected");
    expect(refusals).toMatchObject(refusals.map(() => ({ reason: { code: "already_finished" } })));
  });

  it("that comes too late is refused, and told once", async () => {
    const released = Promise.withResolvers<null>();
    let runs = 0;
    const queue = createQueue([handle(() => (runs++ === 0 ? released.promise : Promise.resolve(null)))]);
    const refused: unknown[] = [];
    queue.on("write.refused", ({ job }) => void refused.push([job.id, job.attempt]));
    const other = opened.createQueue([]);
    const { id } = await queue.add(task, { nth: 1 });
    await opened.startWorker(queue);
    // Not only claimed: one that is released before its handler begins writes nothing.
    await expect.poll(() => runs).toBe(1);
    await other.control.forceRelease(id, { by: "the test" });

    released.resolve(null);
    await queue.waitForEnd(id, { timeoutMs: 15_000 });

    await expect.poll(() => refused).toEqual([[id, 1]]);
    expect(queue.staleWrites).toBe(1);
    expect((await queue.readDetail(id)).attempts.map(({ outcome }) => outcome)).toEqual([
      "succeeded",
      "handed_back",
    ]);
  });

  it("whose answer was lost is recorded once, and not taken for one that came too late", async () => {
    let isLost = false;
    const queue = createQueue([handle(async () => ({ answer: 42 }))], {
      beforeAnswer: (text) => {
        if (!text.includes("succeed_jobs") || isLost) return Promise.resolve();
        isLost = true;
        // The connection breaks when the statement has had its effect.
        return Promise.reject(Object.assign(new Error("connection lost"), { code: "ECONNRESET" }));
      },
    });

    const id = await runOne(queue);
    await opened.stopWorkers();

    expect(isLost).toBe(true);
    expect(await rowsOf([id])).toMatchObject([{ state: "succeeded", event_seq: 2, output: { answer: 42 } }]);
    expect(queue.staleWrites).toBe(0);
  });
});
