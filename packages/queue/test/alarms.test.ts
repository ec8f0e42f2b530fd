import { hostname } from "node:os";
import type { AlarmKind } from "@millrace/contracts";
import type { Database } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  acknowledgeAlarm,
  countOpenAlarms,
  getAlarm,
  listAlarms,
  summarizeAlarms,
} from "../src/alarms/alarm-row.ts";
import { findConditions } from "../src/alarms/find-conditions.ts";
import { parseQueueThresholds } from "../src/alarms/queue-thresholds.ts";
import { recordLook } from "../src/alarms/record-look.ts";
import { pauseQueue, resumeQueue } from "../src/control/pause.ts";
import { setQueueLimit } from "../src/control/queue-settings.ts";
import { rollUpCounts } from "../src/counts/count-jobs.ts";
import { readEndCounts } from "../src/counts/end-counts.ts";
import { readTaskEndCounts, TaskEnds } from "../src/counts/task-ends.ts";
import { EventBus } from "../src/events/event-bus.ts";
import { transitionOf } from "../src/jobs/transition.ts";
import { createMonitorWatch } from "../src/observe/monitor-watch.ts";
import { defaultRetention, pruneHistory } from "../src/retention/prune.ts";
import { addWorker, clearAlarms, everyMs, lookNext, lookNow, passTime, thresholds } from "./alarms-scene.ts";
import { plansOf } from "./counts-plan.ts";
import { clearJobs, writeJobs } from "./control-jobs.ts";

const by = { by: "anna" };
const publishEnd = (bus: EventBus, task: string, state: "succeeded" | "failed"): void =>
  bus.publishTransition(
    transitionOf(state, { id: newId(), task, queue: "tests", owner: null, attempt: 1 }, state),
  );
const here = `${hostname()}/${process.pid}`;

describe.each(testDatabases())("alarms on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());
  afterEach(async () => {
    await clearJobs(database.queryable);
    await clearAlarms(database);
  });

  const run = (statement: ReturnType<typeof sql>) => statement.execute(database.queryable);
  const dueFor = (seconds: number) =>
    run(sql`UPDATE job SET run_at = now() - ${seconds}::double precision * interval '1 second'`);
  const open = async (): Promise<string[]> =>
    (await listAlarms(database.queryable, { state: "open", limit: 100 })).map(
      (alarm) => `${alarm.kind} ${alarm.subject}`,
    );
  const look = async (times: number, options: Parameters<typeof lookNext>[1] = {}) => {
    for (let time = 0; time < times; time++) await lookNext(database, options);
  };

  type Case = {
    readonly kind: AlarmKind;
    readonly subject: string;
    readonly begin: () => Promise<unknown>;
    readonly end: () => Promise<unknown>;
  };
  const cases: readonly Case[] = [
    {
      kind: "queue_without_worker",
      subject: "tests",
      begin: () => writeJobs(database.queryable),
      end: () => addWorker(database, { queues: ["tests"] }),
    },
    {
      kind: "worker_idle",
      subject: here,
      begin: async () => {
        await addWorker(database, { queues: ["tests"] });
        await writeJobs(database.queryable);
        await dueFor(90);
      },
      end: () => clearJobs(database.queryable),
    },
    {
      kind: "queue_depth",
      subject: "chat",
      begin: async () => {
        await addWorker(database, { queues: ["chat"] });
        await writeJobs(database.queryable, { queue: "chat", count: 11 });
      },
      end: () => run(sql`DELETE FROM job WHERE id IN (SELECT id FROM job LIMIT 1)`),
    },
    {
      kind: "oldest_wait",
      subject: "chat",
      begin: async () => {
        await addWorker(database, { queues: ["chat"] });
        await writeJobs(database.queryable, { queue: "chat" });
        await dueFor(40);
      },
      end: () => dueFor(20),
    },
    {
      kind: "queue_paused",
      subject: "tests",
      begin: async () => {
        await pauseQueue(database, "tests", { ...by, reason: "a look at it" });
        await run(sql`UPDATE queue_control SET paused_at = now() - interval '9 hours'`);
      },
      end: () => resumeQueue(database, "tests", by),
    },
    {
      kind: "failure_rate",
      subject: "tests",
      begin: async () => {
        await writeJobs(database.queryable, { state: "succeeded", count: 98 });
        await writeJobs(database.queryable, { state: "failed", count: 2 });
        await rollUpCounts(database);
      },
      end: () => run(sql`UPDATE queue_end_count SET minute = minute - interval '11 minutes'`),
    },
    {
      kind: "task_failure_rate",
      subject: "tests.run_script",
      begin: async () => {
        const bus = new EventBus(silentLogger);
        const ends = new TaskEnds(bus);
        // In a queue in which nearly all goes well.
        for (let nth = 0; nth < 1000; nth++) publishEnd(bus, "tests.other", "succeeded");
        for (let nth = 0; nth < 18; nth++) publishEnd(bus, "tests.run_script", "succeeded");
        for (let nth = 0; nth < 2; nth++) publishEnd(bus, "tests.run_script", "failed");
        await ends.write(database);
      },
      end: () => run(sql`UPDATE task_end_count SET minute = minute - interval '11 minutes'`),
    },
    {
      kind: "failed_jobs",
      subject: "tests",
      begin: () => writeJobs(database.queryable, { state: "failed", count: 101 }),
      end: () => run(sql`DELETE FROM job WHERE id IN (SELECT id FROM job LIMIT 1)`),
    },
    {
      kind: "unknown_task",
      subject: "tests.run_script@1",
      begin: async () => {
        await writeJobs(database.queryable);
        await addWorker(database, { queues: ["tests"], tasks: ["tests.run_script@2"] });
      },
      end: () => addWorker(database, { queues: ["tests"], tasks: ["tests.run_script@1"] }),
    },
    {
      kind: "worker_memory",
      subject: here,
      begin: () => addWorker(database, { queues: ["tests"], rssBytes: 3_000_000_000 }),
      end: () => run(sql`UPDATE worker SET rss_bytes = 1000`),
    },
  ];

  it.each(cases)("raise $kind after three looks, and clear it three after its end", async (alarm) => {
    await alarm.begin();

    await look(2);
    expect(await open()).toEqual([]);
    expect(await lookNext(database)).toMatchObject({ raised: expect.any(Array), cleared: [] });
    expect(await open()).toContain(`${alarm.kind} ${alarm.subject}`);

    await alarm.end();
    await look(2);
    expect(await open()).toContain(`${alarm.kind} ${alarm.subject}`);
    const { cleared } = (await lookNext(database)) ?? { cleared: [] };
    expect(cleared.map((one) => `${one.kind} ${one.subject}`)).toContain(`${alarm.kind} ${alarm.subject}`);
    expect(await open()).not.toContain(`${alarm.kind} ${alarm.subject}`);
  });

  it("stay away from an installation at work in which all is well", async () => {
    await addWorker(database, { queues: ["tests", "chat"] });
    await writeJobs(database.queryable, { count: 5, queue: "chat" });
    await writeJobs(database.queryable, { count: 500 });
    await writeJobs(database.queryable, { count: 99, state: "succeeded" });
    await writeJobs(database.queryable, { count: 1, state: "failed" });
    await rollUpCounts(database);

    await look(4);

    expect((await run(sql`SELECT FROM alarm`)).rows).toEqual([]);
  });

  it("are not raised when it is over before the third look", async () => {
    await writeJobs(database.queryable);
    await look(2);
    await clearJobs(database.queryable);
    await look(1);
    await writeJobs(database.queryable);

    await look(2);

    expect(await open()).toEqual([]);
  });

  it("are not cleared when it begins again within three looks", async () => {
    await writeJobs(database.queryable);
    await look(3);
    const [raised] = await listAlarms(database.queryable, { state: "open", limit: 1 });
    await clearJobs(database.queryable);
    await look(2);
    await writeJobs(database.queryable);

    await look(3);

    expect(await listAlarms(database.queryable, { state: "all", limit: 10 })).toMatchObject([
      { id: raised!.id, cleared_at: null },
    ]);
  });

  it("do not count looks with a long gap between as looks in a row", async () => {
    await writeJobs(database.queryable);
    await look(2);
    await passTime(database, 10 * everyMs);

    await look(1);

    expect(await open()).toEqual([]);
  });

  it("are raised anew when it begins again after the end", async () => {
    await writeJobs(database.queryable);
    await look(3);
    await clearJobs(database.queryable);
    await look(3);
    await writeJobs(database.queryable);

    await look(3);

    const all = await listAlarms(database.queryable, { state: "all", limit: 10 });
    expect(all.map(({ cleared_at }) => cleared_at === null)).toEqual([true, false]);
  });

  it("show the figures of the last look", async () => {
    await writeJobs(database.queryable, { queue: "chat", count: 11 });
    await look(3);
    await writeJobs(database.queryable, { queue: "chat", count: 9 });
    await look(1);

    const [alarm] = await listAlarms(database.queryable, { state: "open", kind: "queue_depth", limit: 10 });

    expect(alarm).toMatchObject({
      severity: "warning",
      message: "20 jobs wait in queue chat; the threshold is 10.",
      details: { queue: "chat", figure: 20, threshold: 10 },
    });
  });

  it("say nothing of the wait in a queue that is paused, nor of workers that have to leave it", async () => {
    await addWorker(database, { queues: ["tests"] });
    await writeJobs(database.queryable);
    await dueFor(1000);
    await pauseQueue(database, "*", by);

    await look(3);

    expect(await open()).toEqual([]);
  });

  it("do not call a worker idle whose queue has as many jobs at once as it may", async () => {
    await addWorker(database, { queues: ["tests"] });
    await writeJobs(database.queryable, { count: 2 });
    await writeJobs(database.queryable, { state: "running" });
    await run(sql`UPDATE job SET run_at = now() - interval '90 seconds'`);
    await setQueueLimit(database, "tests", { maxRunning: 1, by: "anna" });

    await look(3);

    expect(await open()).toEqual([]);
  });

  it("do not call a worker idle that has ended jobs between the looks", async () => {
    await addWorker(database, { queues: ["tests"] });
    await writeJobs(database.queryable);
    await dueFor(90);

    for (let time = 0; time < 4; time++) {
      await lookNext(database);
      await run(sql`UPDATE worker SET processed = processed + 1`);
    }

    expect(await open()).toEqual([]);
  });

  it("do not call a pause forgotten that has an end", async () => {
    await pauseQueue(database, "tests", { ...by, until: new Date(Date.now() + 3_600_000) });
    await run(sql`UPDATE queue_control SET paused_at = now() - interval '9 hours'`);

    await look(3);

    expect(await open()).toEqual([]);
  });

  it("know no share of failures among few jobs, or of a single one", async () => {
    await writeJobs(database.queryable, { queue: "few", state: "failed", count: 19 });
    await writeJobs(database.queryable, { queue: "single", state: "succeeded", count: 25 });
    await writeJobs(database.queryable, { queue: "single", state: "failed", count: 1 });
    await rollUpCounts(database);

    await look(3);

    expect(await open()).toEqual([]);
  });

  it("raise at once what has happened for good", async () => {
    await writeJobs(database.queryable, { state: "failed" });
    await run(sql`UPDATE job SET error_code = 'job_crashed_worker'`);

    await look(1);
    expect(await open()).toEqual(["job_crashed_worker tests.run_script"]);
    await run(sql`UPDATE job SET finished_at = now() - interval '25 hours'`);
    await look(3);

    expect(await open()).toEqual([]);
  });

  it("go by the thresholds they are given", async () => {
    await addWorker(database, { queues: ["chat"] });
    await writeJobs(database.queryable, { queue: "chat", count: 11 });

    await look(3, { thresholds: { ...thresholds, queueDepth: parseQueueThresholds("chat:11") } });
    expect(await open()).toEqual([]);
    await look(3, { thresholds: { ...thresholds, queueDepth: parseQueueThresholds("c*:10") } });

    expect(await open()).toEqual(["queue_depth chat"]);
  });

  it("of a kind that is switched off are not raised, and open ones are cleared", async () => {
    await writeJobs(database.queryable);
    await look(3);
    expect(await open()).toEqual(["queue_without_worker tests"]);

    await look(3, { off: ["queue_without_worker"] });

    expect(await open()).toEqual([]);
  });

  it("stay as they are while what they are about can't be read", async () => {
    await writeJobs(database.queryable, { queue: "chat", count: 11 });
    await look(3);
    await clearJobs(database.queryable);
    await run(sql`ALTER TABLE job_count RENAME TO job_count_away`);
    await look(4);
    await run(sql`ALTER TABLE job_count_away RENAME TO job_count`);

    expect(await open()).toEqual(["queue_depth chat"]);
    await look(3);
    expect(await open()).toEqual([]);
  });

  it("are looked for once, however many processes come", async () => {
    await writeJobs(database.queryable);
    await look(2);
    await passTime(database, everyMs);

    const looks = await Promise.all(Array.from({ length: 8 }, () => lookNow(database)));

    expect(looks.filter((result) => result !== undefined)).toHaveLength(1);
    expect(looks.flatMap((result) => result?.raised ?? [])).toHaveLength(1);
    expect(await open()).toEqual(["queue_without_worker tests"]);
  });

  it("are not touched by a look that was overtaken", async () => {
    await writeJobs(database.queryable);
    await look(3);
    const found = await sql<{ number: number }>`SELECT number FROM alarm_look`.execute(database.queryable);
    await passTime(database, 10 * everyMs);
    const rules = { everyMs, afterLooks: 3, tells: false };
    const scope = { kinds: ["queue_without_worker"] as const, turn: found.rows[0]!.number - 1 };

    expect(await recordLook(database, scope, [], rules)).toEqual({ raised: [], cleared: [] });

    expect(await open()).toEqual(["queue_without_worker tests"]);
  });

  describe("of one process", () => {
    const rules = { everyMs, afterLooks: 1, tells: false };
    const slow = (subject: string) =>
      ({ kind: "database_slow", subject, message: "It is slow.", details: {} }) as const;

    it("are raised and cleared by that process alone", async () => {
      await recordLook(database, { process: "a/1" }, [slow("a/1")], rules);
      await recordLook(database, { process: "b/2" }, [slow("b/2")], rules);
      await passTime(database, everyMs);

      await recordLook(database, { process: "a/1" }, [], rules);

      expect(await open()).toEqual(["database_slow b/2"]);
    });

    it("are left alone by the look at all, unless the process is gone", async () => {
      await recordLook(database, { process: "a/1" }, [slow("a/1")], rules);

      await look(4);
      expect(await open()).toEqual(["database_slow a/1"]);
      await look(3);

      expect(await open()).toEqual([]);
    });
  });

  describe("when somebody acknowledges one", () => {
    const raiseOne = async (): Promise<string> => {
      await writeJobs(database.queryable);
      await look(3);
      const [alarm] = await listAlarms(database.queryable, { state: "open", limit: 1 });
      return alarm!.id;
    };

    it("stays acknowledged by who was first while it is open", async () => {
      const id = await raiseOne();
      await acknowledgeAlarm(database, id, by);
      await look(2);
      await acknowledgeAlarm(database, id, { by: "bert" });

      expect(await getAlarm(database.queryable, id)).toMatchObject({
        acknowledged_by: "anna",
        acknowledged_at: expect.any(Date),
        cleared_at: null,
      });
      expect(await summarizeAlarms(database.queryable)).toEqual({ open: 1, critical: 1, unacknowledged: 0 });
    });

    it("a cleared or unknown one is refused", async () => {
      const id = await raiseOne();
      await clearJobs(database.queryable);
      await look(3);

      await expect(acknowledgeAlarm(database, id, by)).rejects.toMatchObject({ code: "alarm_is_cleared" });
      await expect(acknowledgeAlarm(database, crypto.randomUUID(), by)).rejects.toMatchObject({
        code: "alarm_not_found",
      });
    });
  });

  it("are told to those who watch the monitor, whichever process raises, clears or acknowledges them", async () => {
    const bus = new EventBus(silentLogger);
    let [seen, told] = [0, 0];
    bus.onNotice(({ type }) => {
      if (type === "queue.changed") seen++;
      if (type === "alarm.changed") told++;
    });
    const watch = createMonitorWatch({ database, bus, logger: silentLogger, everyMs: 5 });
    const untilTold = (times: number) => expect.poll(() => told).toBe(times);
    await watch.start();
    try {
      // It needs something to compare with: a change that it has seen since its first look.
      await expect
        .poll(async () => {
          await setQueueLimit(database, "tests", { maxRunning: 1, by: "anna" });
          return seen;
        })
        .toBeGreaterThan(0);
      await writeJobs(database.queryable);
      await look(3);
      await untilTold(1);
      const [alarm] = await listAlarms(database.queryable, { state: "open", limit: 1 });
      await acknowledgeAlarm(database, alarm!.id, by);
      await untilTold(2);
      await clearJobs(database.queryable);
      await look(3);
      await untilTold(3);
    } finally {
      await watch.stop();
    }
  });

  it("are counted by kind", async () => {
    for (const queue of ["alpha", "beta"]) await writeJobs(database.queryable, { queue });
    await look(3);

    expect(await countOpenAlarms(database.queryable)).toEqual([{ kind: "queue_without_worker", count: 2 }]);
  });

  it("are listed page by page, newest first, and by kind and severity", async () => {
    for (const queue of ["alpha", "beta", "gamma"]) {
      await writeJobs(database.queryable, { queue });
      await look(3);
    }
    const list = (filter: object) => listAlarms(database.queryable, { state: "open", limit: 2, ...filter });

    const first = await list({});
    const second = await list({ before: first.at(-1)?.id });

    expect([...first, ...second].map(({ subject }) => subject)).toEqual(["gamma", "beta", "alpha"]);
    expect(await list({ kind: "queue_depth" })).toEqual([]);
    expect(await list({ severity: "critical" })).toHaveLength(2);
    expect(await list({ severity: "warning" })).toEqual([]);
  });

  it("are found without reading the jobs, however many there are", async () => {
    await addWorker(database, { queues: ["alpha", "beta"] });
    for (const queue of ["alpha", "beta"]) {
      await writeJobs(database.queryable, { queue, count: 5000 });
      await writeJobs(database.queryable, { queue, count: 5000, state: "succeeded" });
    }
    await dueFor(90);
    await run(sql`ANALYZE job`);

    const options = { thresholds, off: [], logger: silentLogger };
    const plans = await plansOf(database.queryable, (queryable) =>
      findConditions({ ...database, queryable }, options),
    );

    expect(plans.length).toBeGreaterThan(20);
    expect(plans.filter((line) => /Seq Scan on job\b/.test(line))).toEqual([]);
  });

  it("forget after two days how many jobs ended", async () => {
    await run(sql`
      INSERT INTO queue_end_count SELECT now() - hours * interval '1 hour', 'tests', 'failed', 1
      FROM unnest(ARRAY[1, 47, 49, 100]) AS hours`);

    await run(sql`
      INSERT INTO task_end_count SELECT minute, 'tests.run_script', state, count FROM queue_end_count`);

    await pruneHistory(database, defaultRetention);

    expect(await readTaskEndCounts(database.queryable, 500 * 3600)).toEqual([
      { task: "tests.run_script", succeeded: 0, failed: 2 },
    ]);
    expect(await readEndCounts(database.queryable, 500 * 3600)).toEqual([
      { queue: "tests", succeeded: 0, failed: 2 },
    ]);
  });

  it("add up the ends that processes have counted, each once, also when a write fails", async () => {
    const bus = new EventBus(silentLogger);
    const [here, elsewhere] = [new TaskEnds(bus), new TaskEnds(bus)];
    publishEnd(bus, "tests.b", "failed");
    publishEnd(bus, "tests.a", "succeeded");
    publishEnd(bus, "tests.b", "succeeded");
    await sql`ALTER TABLE task_end_count RENAME TO hidden`.execute(database.queryable);
    await expect(here.write(database)).rejects.toThrow();
    await sql`ALTER TABLE hidden RENAME TO task_end_count`.execute(database.queryable);

    await Promise.all([here.write(database), elsewhere.write(database)]);
    await here.write(database);

    expect(await readTaskEndCounts(database.queryable, 600)).toEqual([
      { task: "tests.b", succeeded: 2, failed: 2 },
    ]);
  });

  it("are deleted a month after they were cleared; open ones stay", async () => {
    await writeJobs(database.queryable);
    await look(3);
    await clearJobs(database.queryable);
    await look(3);
    await writeJobs(database.queryable, { queue: "alpha" });
    await look(3);
    await run(
      sql`UPDATE alarm SET cleared_at = cleared_at - interval '31 days', raised_at = raised_at - interval '60 days'`,
    );

    await pruneHistory(database, defaultRetention);

    const all = await listAlarms(database.queryable, { state: "all", limit: 10 });
    expect(all.map(({ subject }) => subject)).toEqual(["alpha"]);
  });
});
