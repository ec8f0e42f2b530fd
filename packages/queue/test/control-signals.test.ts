import type { Database } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createMemoryBroker } from "../src/brokers/memory-broker.ts";
import { QueueControl } from "../src/control/queue-control.ts";
import { EventBus } from "../src/events/event-bus.ts";
import { TaskRegistry } from "../src/tasks/task-registry.ts";
import { clearJobs, writeJobs } from "./control-jobs.ts";

describe.each(testDatabases())("those who wait for a queue on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;
  const announced: string[] = [];
  const purged: string[] = [];
  const signals: unknown[] = [];

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());
  afterEach(async () => {
    announced.length = 0;
    purged.length = 0;
    signals.length = 0;
    await clearJobs(database.queryable);
  });

  const createControl = () =>
    new QueueControl({
      database,
      bus: new EventBus(silentLogger),
      broker: {
        ...createMemoryBroker(),
        announce: ({ queue }) => void announced.push(queue),
        depth: async (queue) => {
          if (queue === "silent") await new Promise(() => undefined);
          return queue === "tests" ? 7 : await Promise.reject(new Error("away"));
        },
        purge: async (queue) => {
          purged.push(queue);
          return await Promise.reject(new Error("away"));
        },
      },
      registry: new TaskRegistry([]),
      onSignal: (signal) => void signals.push(signal),
      onCancelRequested: () => undefined,
      onReleased: () => undefined,
    });

  it("are told when it is paused and when it goes on", async () => {
    const control = createControl();
    const until = new Date(Date.now() + 60_000);

    await control.pause("tests", { by: "ann", reason: "away", until });
    await control.resume("tests", { by: "ben" });

    expect(signals).toEqual([
      { type: "queue.paused", queue: "tests", by: "ann", reason: "away", until: until.toISOString() },
      { type: "queue.resumed", queue: "tests", by: "ben" },
    ]);
    expect(announced).toEqual(["tests"]);
  });

  it("lose their hints when they are purged, even when the broker is away, and are looked at once more", async () => {
    const control = createControl();

    await control.purge("tests", { task: "a.b" });
    const ofOneTask = [...purged];
    await control.purge("tests");

    expect(ofOneTask).toEqual([]);
    expect([purged, announced]).toEqual([["tests"], ["tests"]]);
  });

  it("have hints that wait, unless nobody can say or all are meant", async () => {
    const control = createControl();

    const counted = await Promise.all(
      ["tests", "other", "silent", "*"].map((queue) => control.countHints(queue)),
    );

    expect(counted).toEqual([7, undefined, undefined, undefined]);
  });

  it("are not told of a resume that changed nothing", async () => {
    expect(await createControl().resume("tests", { by: "ann" })).toBe(false);

    expect([signals, announced]).toEqual([[], []]);
  });

  it("are told when a pause is over by itself", async () => {
    const control = createControl();
    await control.pause("tests", { by: "ann", until: new Date(Date.now() + 60_000) });
    await sql`UPDATE queue_control SET resume_at = now()`.execute(database.queryable);
    signals.length = 0;

    await control.endPastPauses();
    await control.endPastPauses();

    expect(signals).toEqual([{ type: "queue.resumed", queue: "tests", by: null }]);
    expect(announced).toEqual(["tests"]);
  });

  it("are all told when all queues go on, where jobs wait", async () => {
    for (const queue of ["beta", "alpha", "alpha"]) await writeJobs(database.queryable, { queue });
    await writeJobs(database.queryable, { queue: "gamma", state: "running" });
    const control = createControl();
    await control.pause("*", { by: "ann" });

    await control.resume("*", { by: "ann" });

    expect(announced).toEqual(["alpha", "beta"]);
  });

  it("are told when a limit was changed", async () => {
    await createControl().setQueueLimit("tests", 5, { by: "ann" });

    expect(announced).toEqual(["tests"]);
  });
});
