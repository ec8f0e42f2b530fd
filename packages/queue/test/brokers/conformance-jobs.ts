import { sql } from "kysely";
import { expect, it } from "vitest";
import { bareHint } from "../../src/brokers/hint.ts";
import { handleTask } from "../../src/index.ts";
import { quiet } from "./broker-scene.ts";
import type { BrokerKind, BrokerProcess, BrokerScene } from "./broker-scene.ts";
import { numberedTask, numbers, queueOf, startNumberWorker } from "./numbered-jobs.ts";

type NumberedTask = ReturnType<typeof numberedTask>;

/** What hints are for: jobs start by them, and lose nothing without them. */
export function describeJobs(kind: BrokerKind, scene: () => BrokerScene): void {
  /** A worker in a process of its own. */
  async function startWorker(task: NumberedTask, options?: Parameters<typeof startNumberWorker>[2]) {
    const process = await scene().openProcess();
    const { ran, worker } = await startNumberWorker(process, task, options);
    scene().atEnd(() => worker.stop());
    return { process, ran };
  }

  async function startCaller(task: NumberedTask) {
    const process = await scene().openProcess();
    return { process, queue: queueOf(process, { tasks: [task] }) };
  }

  it("starts jobs by the hint alone, in no time, though the worker looks once an hour", async () => {
    const task = numberedTask();
    const startedAtMs: number[] = [];
    const during = async (): Promise<void> => void startedAtMs.push(performance.now());
    const { ran } = await startWorker(task, { during });
    const { queue } = await startCaller(task);

    const tookMs: number[] = [];
    for (const nth of numbers(20)) {
      const addedMs = performance.now();
      await queue.add(task, { nth });
      await expect.poll(() => startedAtMs).toHaveLength(nth + 1);
      tookMs.push(startedAtMs[nth]! - addedMs);
    }

    expect(ran).toEqual(numbers(20));
    const medianMs = tookMs.toSorted((a, b) => a - b)[10]!;
    process.stdout.write(
      `${kind.kind}: a job starts ${medianMs.toFixed(1)} ms after its call (median of 20)\n`,
    );
    // Not how fast it is, for which there are benchmarks: without hints it would be an hour.
    expect(medianMs).toBeLessThan(1_000);
  });

  it("gives a hundred jobs to two workers of few slots", async () => {
    const task = numberedTask();
    const workers: Awaited<ReturnType<typeof startWorker>>[] = [];
    const bothRun = Promise.withResolvers<void>();
    // The first must not be done with all before the second has heard of them.
    const during = (): Promise<void> => {
      if (workers.every(({ ran }) => ran.length > 0)) bothRun.resolve();
      return bothRun.promise;
    };
    for (let nth = 0; nth < 2; nth++) workers.push(await startWorker(task, { concurrency: 2, during }));
    const { queue } = await startCaller(task);

    await queue.addMany(numbers(100).map((nth) => ({ task, input: { nth } })));

    await expect
      .poll(() => workers.flatMap(({ ran }) => ran).toSorted((a, b) => a - b))
      .toEqual(numbers(100));
  });

  it("starts what comes one by one while workers are full", async () => {
    const task = numberedTask();
    const workers = [
      await startWorker(task, { concurrency: 1 }),
      await startWorker(task, { concurrency: 1 }),
    ];
    const { queue } = await startCaller(task);

    for (const nth of numbers(50)) await queue.add(task, { nth });

    await expect.poll(() => workers.flatMap(({ ran }) => ran).toSorted((a, b) => a - b)).toEqual(numbers(50));
  });

  it("starts a job of one queue by its hint although another queue has more than the worker can take", async () => {
    const chat = numberedTask();
    const batch = { ...numberedTask(), name: "tests.be_long" };
    const process = await scene().openProcess();
    const release = Promise.withResolvers<void>();
    const started: string[] = [];
    const run = (name: string, during?: Promise<void>) => async (): Promise<null> => {
      started.push(name);
      await during;
      return null;
    };
    const handlers = [
      handleTask({ task: chat, run: run("chat") }),
      handleTask({ task: batch, run: run("batch", release.promise) }),
    ];
    const queue = queueOf(process, { handlers });
    const worker = queue.createWorker({ name: "w", concurrency: 8, pollMs: 3_600_000, drainMs: 5_000 });
    await worker.start();
    scene().atEnd(() => worker.stop());
    scene().atEnd(async () => release.resolve());
    await expect.poll(() => process.broker.status().isHearing).toBe(true);
    await quiet();
    const { queue: caller } = await startCaller(chat);
    await queue.addMany(numbers(20).map((nth) => ({ task: batch, input: { nth } })));
    await expect.poll(() => started).toEqual(numbers(7).map(() => "batch"));

    for (const nth of numbers(3)) {
      await caller.add(chat, { nth });
      await expect.poll(() => started).toHaveLength(8 + nth);
    }

    expect(started.slice(7)).toEqual(["chat", "chat", "chat"]);
    release.resolve();
    await expect.poll(() => started).toHaveLength(23);
  });

  it("runs each job once, whatever becomes of the hints", async () => {
    const task = numberedTask();
    const workers = [await startWorker(task), await startWorker(task)];
    const { process, queue } = await startCaller(task);
    // Hints come late, and not in the order in which they were sent.
    process.network?.set({ kind: "delay", delayMs: 20 });
    workers[0]?.process.network?.set({ kind: "delay", delayMs: 50 });
    const disturb = async (): Promise<void> => {
      // Doubled, of jobs that there are not, and of work that is done or yet to come.
      for (let nth = 0; nth < 3; nth++) {
        process.broker.announce({ queue: task.queue, count: 7, jobIds: ["none"], task: "none" });
      }
      process.broker.announce(bareHint("nobody_has_this"));
      await scene().sendGarbage?.(task.queue);
    };

    await disturb();
    for (const nth of numbers(40)) {
      await queue.add(task, { nth });
      if (nth % 5 === 0) await disturb();
    }
    await disturb();

    const all = (): number[] => workers.flatMap(({ ran }) => ran).toSorted((a, b) => a - b);
    await expect.poll(all).toEqual(numbers(40));
    await quiet();
    expect(all()).toEqual(numbers(40));
  });

  if (kind.kind !== "postgres") describeNoListen(startWorker);
  if (!kind.isRemote) return;

  it("lets jobs wait while it is away, and starts them when it is there again", async () => {
    const task = numberedTask();
    const worker = await startWorker(task);
    const { process, queue } = await startCaller(task);
    for (const { network } of [worker.process, process]) network?.refuse();
    await expect.poll(() => worker.process.broker.status().isHearing).toBe(false);

    for (const nth of numbers(10)) await queue.add(task, { nth });
    await quiet();
    expect(worker.ran).toEqual([]);
    for (const { network } of [worker.process, process]) network?.restore();

    await expect.poll(() => worker.ran.toSorted((a, b) => a - b)).toEqual(numbers(10));
  });

  it("starts jobs whose hints were lost with connections that broke in the middle of a message", async () => {
    const task = numberedTask();
    const worker = await startWorker(task);
    const { process, queue } = await startCaller(task);

    for (const nth of numbers(8)) {
      for (const { network } of [worker.process, process]) {
        network?.set({ kind: "cut_after", bytes: 7 * 3 ** (nth % 4) });
      }
      await queue.add(task, { nth });
      await quiet();
      for (const { network } of [worker.process, process]) network?.restore();
    }

    await expect.poll(() => worker.ran.toSorted((a, b) => a - b)).toEqual(numbers(8));
  });

  it("leaves jobs to the poll while it is away", async () => {
    const task = numberedTask();
    const worker = await startWorker(task, { pollMs: 100 });
    const { process, queue } = await startCaller(task);
    for (const { network } of [worker.process, process]) network?.refuse();
    await expect.poll(() => worker.process.broker.status().isHearing).toBe(false);

    for (const nth of numbers(10)) await queue.add(task, { nth });

    await expect.poll(() => worker.ran.toSorted((a, b) => a - b)).toEqual(numbers(10));
    expect(worker.process.broker.status().isHearing).toBe(false);
  });
}

/** Of brokers that are no PostgreSQL: what starts their jobs is not its LISTEN. */
function describeNoListen(startWorker: (task: NumberedTask) => Promise<{ readonly process: BrokerProcess }>) {
  it("has no connection listen to PostgreSQL", async () => {
    const { process } = await startWorker(numberedTask());

    const listening = await sql`
      SELECT pid FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'millrace-listen'
    `.execute(process.database.queryable);

    expect(listening.rows).toEqual([]);
  });
}
