import { silentLogger } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import type { JobTransition } from "../events/event.ts";
import { EventBus } from "../events/event-bus.ts";
import { Hooks } from "./hooks.ts";
import { registerQueueMetrics } from "./queue-metrics.ts";
import type { QueueMetricsOptions } from "./queue-metrics.ts";

const task = "documents.process_document";

function transition(
  type: JobTransition["type"],
  details: Partial<Omit<JobTransition, "job">> & { task?: string; queue?: string } = {},
): JobTransition {
  const { task: name = task, queue = "documents", ...rest } = details;
  const job = { id: "id-7", task: name, queue, owner: "owner-7", state: "running", attempt: 1 } as const;
  return { type, job, ...rest };
}

function createMetrics(options: Partial<QueueMetricsOptions> = {}) {
  const registry = new Registry();
  const bus = new EventBus(silentLogger);
  const hooks = new Hooks(bus, silentLogger);
  const stop = registerQueueMetrics({
    registry,
    bus,
    hooks,
    logger: silentLogger,
    readCounts: () => Promise.resolve([]),
    readOldestWaits: () => Promise.resolve([]),
    readWorkers: () => Promise.resolve([]),
    readAlarms: () => Promise.resolve([]),
    ...options,
  });
  const scrape = async (): Promise<string[]> => (await registry.metrics()).split("\n");
  return { bus, hooks, stop, scrape };
}

describe("counters", () => {
  it("count each kind of end of an attempt once, and the end of the job with the last", async () => {
    const { bus, scrape } = createMetrics();

    bus.publishTransition(transition("enqueued"));
    bus.publishTransition(transition("started", { waitMs: 5 }));
    bus.publishTransition(transition("retry_scheduled", { runMs: 10 }));
    bus.publishTransition(transition("started", { waitMs: 5 }));
    bus.publishTransition(transition("crashed", { runMs: 10 }));
    bus.publishTransition(transition("started", { waitMs: 5 }));
    bus.publishTransition(transition("succeeded", { runMs: 10 }));

    expect(await scrape()).toEqual(
      expect.arrayContaining([
        `millrace_jobs_enqueued_total{queue="documents",task="${task}"} 1`,
        `millrace_attempts_total{task="${task}",outcome="failed"} 1`,
        `millrace_attempts_total{task="${task}",outcome="crashed"} 1`,
        `millrace_attempts_total{task="${task}",outcome="succeeded"} 1`,
        `millrace_jobs_finished_total{task="${task}",state="succeeded"} 1`,
        `millrace_jobs_finished_total{task="${task}",state="failed"} 0`,
        `millrace_job_retries_total{task="${task}"} 1`,
        `millrace_job_crashes_total{task="${task}"} 1`,
      ]),
    );
  });

  it("count a job that ended without running as finished, not as an attempt", async () => {
    const { bus, scrape } = createMetrics();

    bus.publishTransition(transition("cancelled"));

    const lines = await scrape();
    expect(lines).toContain(`millrace_jobs_finished_total{task="${task}",state="cancelled"} 1`);
    expect(lines).toContain(`millrace_attempts_total{task="${task}",outcome="cancelled"} 0`);
  });

  it("add up over scrapes instead of starting anew", async () => {
    const { bus, scrape } = createMetrics();

    bus.publishTransition(transition("enqueued"));
    await scrape();
    bus.publishTransition(transition("enqueued"));

    expect(await scrape()).toContain(`millrace_jobs_enqueued_total{queue="documents",task="${task}"} 2`);
  });

  it("add up the queues of a task where they have no label for them", async () => {
    const { bus, scrape } = createMetrics();

    bus.publishTransition(transition("retry_scheduled", { queue: "documents", runMs: 1 }));
    bus.publishTransition(transition("retry_scheduled", { queue: "urgent", runMs: 1 }));

    expect(await scrape()).toContain(`millrace_job_retries_total{task="${task}"} 2`);
  });

  it("begin at zero for known tasks", async () => {
    const { scrape } = createMetrics({ knownTasks: [{ name: task, queue: "documents" }] });

    expect(await scrape()).toContain(`millrace_jobs_finished_total{task="${task}",state="failed"} 0`);
  });

  it("count writes that were refused", async () => {
    const { hooks, scrape } = createMetrics();

    hooks.emit({
      type: "write.refused",
      job: { id: "id-7", task, queue: "documents", owner: null, attempt: 1 },
    });

    expect(await scrape()).toContain("millrace_stale_writes_refused_total 1");
  });

  it("stop when told to", async () => {
    const { bus, stop, scrape } = createMetrics();

    stop();
    bus.publishTransition(transition("enqueued"));

    expect((await scrape()).filter((line) => line.startsWith("millrace_jobs_enqueued_total{"))).toEqual([]);
    expect(bus.listenerCount).toBe(0);
  });
});

describe("histograms", () => {
  it("measure how long jobs wait and run, in seconds", async () => {
    const { bus, scrape } = createMetrics();

    bus.publishTransition(transition("started", { waitMs: 30 }));
    bus.publishTransition(transition("succeeded", { runMs: 90_000 }));

    const waited = `queue="documents",task="${task}"`;
    const ran = `${waited},outcome="succeeded"`;
    expect(await scrape()).toEqual(
      expect.arrayContaining([
        `millrace_job_wait_seconds_bucket{le="0.025",${waited}} 0`,
        `millrace_job_wait_seconds_bucket{le="0.05",${waited}} 1`,
        `millrace_job_wait_seconds_sum{${waited}} 0.03`,
        `millrace_job_run_seconds_bucket{le="60",${ran}} 0`,
        `millrace_job_run_seconds_bucket{le="120",${ran}} 1`,
        `millrace_job_run_seconds_count{${ran}} 1`,
      ]),
    );
  });

  it("take a time below zero, of a clock that was set back, as none", async () => {
    const { bus, scrape } = createMetrics();

    bus.publishTransition(transition("started", { waitMs: -5000 }));

    expect(await scrape()).toContain(`millrace_job_wait_seconds_sum{queue="documents",task="${task}"} 0`);
  });
});

describe("labels", () => {
  it("never tell of one job or owner", async () => {
    const { bus, scrape } = createMetrics();

    bus.publishTransition(transition("enqueued"));
    bus.publishTransition(transition("failed", { runMs: 1, error: { code: "x", message: "secret" } }));

    expect((await scrape()).join("\n")).not.toMatch(/id-7|owner-7|secret/);
  });

  it("stay few: what comes after the limit is counted as other", async () => {
    const { bus, scrape } = createMetrics({ maxTasks: 2 });

    for (const name of ["a.one", "a.two", "a.three", "a.four", "a.one"])
      bus.publishTransition(transition("enqueued", { task: name }));

    expect((await scrape()).filter((line) => line.startsWith("millrace_jobs_enqueued_total{"))).toEqual([
      'millrace_jobs_enqueued_total{queue="documents",task="a.one"} 2',
      'millrace_jobs_enqueued_total{queue="documents",task="a.two"} 1',
      'millrace_jobs_enqueued_total{queue="other",task="other"} 2',
    ]);
  });
});

describe("gauges", () => {
  it("show the open jobs of each queue, and zero where it has none", async () => {
    const { scrape } = createMetrics({
      readCounts: () =>
        Promise.resolve([
          { queue: "chat", state: "queued", count: 3 },
          { queue: "chat", state: "succeeded", count: 900 },
        ]),
    });

    expect((await scrape()).filter((line) => line.startsWith("millrace_queue_depth{"))).toEqual([
      'millrace_queue_depth{queue="chat",state="blocked"} 0',
      'millrace_queue_depth{queue="chat",state="scheduled"} 0',
      'millrace_queue_depth{queue="chat",state="queued"} 3',
      'millrace_queue_depth{queue="chat",state="running"} 0',
      'millrace_queue_depth{queue="chat",state="waiting"} 0',
    ]);
  });

  it("show workers by state, and the slots of this process", async () => {
    const { scrape } = createMetrics({
      readWorkers: () => Promise.resolve([{ state: "running", count: 2 }]),
      slots: () => ({ busy: 3, total: 8 }),
    });

    expect(await scrape()).toEqual(
      expect.arrayContaining([
        'millrace_workers{state="running"} 2',
        'millrace_workers{state="draining"} 0',
        'millrace_workers{state="silent"} 0',
        "millrace_worker_busy_slots 3",
        "millrace_worker_slots 8",
      ]),
    );
  });

  it("show how many alarms of each kind are open, none too", async () => {
    const { scrape } = createMetrics({
      readAlarms: () => Promise.resolve([{ kind: "queue_depth", count: 2 }]),
    });

    expect(await scrape()).toEqual(
      expect.arrayContaining([
        'millrace_alarms_open{kind="queue_depth",severity="warning"} 2',
        'millrace_alarms_open{kind="queue_without_worker",severity="critical"} 0',
      ]),
    );
  });

  it("forget what is no longer read", async () => {
    let waits = [{ queue: "chat", seconds: 4 }];
    const { scrape } = createMetrics({ readOldestWaits: () => Promise.resolve(waits) });

    const before = await scrape();
    waits = [];

    const line = 'millrace_queue_oldest_wait_seconds{queue="chat"} 4';
    expect(before).toContain(line);
    expect(await scrape()).not.toContain(line);
  });

  it("are left out, with a warning, while the database is away", async () => {
    const warned: unknown[] = [];
    const logger: Logger = { ...silentLogger, warn: (fields: unknown) => void warned.push(fields) };
    const { bus, scrape } = createMetrics({
      logger,
      readCounts: () => Promise.reject(new Error("connection refused")),
    });
    bus.publishTransition(transition("enqueued"));

    const lines = await scrape();

    expect(lines.filter((line) => line.startsWith("millrace_queue_depth{"))).toEqual([]);
    expect(lines).toContain(`millrace_jobs_enqueued_total{queue="documents",task="${task}"} 1`);
    expect(warned).toMatchObject([{ metric: "millrace_queue_depth" }]);
  });

  it("ask a database that hangs only once, however often they are scraped", async () => {
    let questions = 0;
    const { promise: never } = Promise.withResolvers<never>();
    const { scrape } = createMetrics({
      readTimeoutMs: 1,
      readCounts: () => {
        questions++;
        return never;
      },
    });

    await scrape();
    await scrape();

    expect(questions).toBe(1);
  });
});
