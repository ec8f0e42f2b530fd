import { isDeepStrictEqual } from "node:util";
import type { Database } from "@millrace/database";
import { isMillraceError, silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { createMemoryBroker } from "../src/brokers/memory-broker.ts";
import { pauseQueue, resumeQueue } from "../src/control/pause.ts";
import { purgeQueue } from "../src/control/purge.ts";
import { countJobs } from "../src/counts/count-jobs.ts";
import { defineTask, handleTask, Queue } from "../src/index.ts";
import type { EnqueueOptions } from "../src/index.ts";
import { claimJobs } from "../src/jobs/claim.ts";
import { enqueueAlone, prepareJob } from "../src/jobs/enqueue.ts";
import { finishAttempt } from "../src/jobs/finish-attempt.ts";
import type { AttemptEnd } from "../src/jobs/finish-attempt.ts";
import type { ClaimedJob } from "../src/jobs/job-row.ts";
import { reapJobs } from "../src/jobs/reap.ts";
import { succeedJobs } from "../src/jobs/succeed-jobs.ts";
import { defaultRetention, pruneHistory } from "../src/retention/prune.ts";
import { TaskRegistry } from "../src/tasks/task-registry.ts";

/** In the night each race is run ten times as often, and on both databases. */
const isNightly = process.env.MILLRACE_NIGHTLY === "1";
const times = isNightly ? 10 : 1;
const databases = isNightly ? testDatabases() : testDatabases().slice(-1);
const timeoutMs = 120_000 * times;

const input = z.object({ key: z.string() });
const output = z.object({ by: z.string() });
const plainTask = defineTask({ name: "races.do_work", queue: "races", input, output });
const uniqueTask = defineTask({
  name: "races.do_once",
  queue: "races",
  input,
  output,
  unique: ({ key }) => key,
});

const worker = { id: "0190a000-0000-7000-9000-000000000001", name: "w" };

/** What two do at the same moment to the same job, a thousand times and more. */
describe.each(databases)("a thousand times on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;
  let queue: Queue;
  const broker = createMemoryBroker();
  const run = () => Promise.reject(new Error("no worker runs this"));
  const handlers = [handleTask({ task: plainTask, run }), handleTask({ task: uniqueTask, run })];

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
    queue = new Queue({ database, logger: silentLogger, handlers, broker });
    await sql`CREATE TABLE race_quota (used integer NOT NULL, allowed integer NOT NULL)`.execute(
      database.queryable,
    );
  });
  afterAll(() => opened.close());
  afterEach(async () => {
    const tables = ["job", "job_payload", "job_attempt", "job_progress", "event", "event_stream"];
    const others = ["job_count", "job_count_change", "queue_control", "retention_mark", "race_quota"];
    await sql.raw(`TRUNCATE ${[...tables, ...others].join(", ")}`).execute(database.queryable);
  });

  const parts = () => ({
    database,
    bus: queue.bus,
    broker,
    registry: new TaskRegistry(handlers),
    onCancelRequested: () => undefined,
  });

  const enqueue = async (count: number): Promise<string[]> => {
    const requests = Array.from({ length: count }, () => ({ task: plainTask, input: { key: "x" } }));
    return (await queue.addMany(requests)).map(({ id }) => id);
  };

  const claim = async (limit: number): Promise<readonly ClaimedJob[]> => {
    const { jobs } = await claimJobs(database, {
      queue: "races",
      taskKeys: [`${plainTask.name}@1`, `${uniqueTask.name}@1`],
      limit,
      worker,
      leaseMs: 600_000,
      oldest: 0,
    });
    return jobs;
  };

  /** Ends an attempt by itself; returns whether the claim still held the job. */
  const finish = (held: ClaimedJob, end: AttemptEnd): Promise<boolean> =>
    queue.transaction((scope) =>
      finishAttempt(scope, parts(), held, { end, writeFirst: () => Promise.resolve(), skipsHook: false }),
    );

  const succeed = async ({ id, fence }: ClaimedJob): Promise<boolean> => {
    const { ended } = await succeedJobs(database, worker, [{ id, fence, output: '{"by":"w"}', keptDays: 1 }]);
    return ended.size === 1;
  };

  type Story = {
    readonly id: string;
    readonly state: string;
    readonly fence: number;
    readonly outcomes: readonly string[];
    readonly events: readonly string[];
    readonly output: unknown;
  };

  /** What became of jobs, in the order of their ids. */
  const readStories = async (): Promise<readonly Story[]> => {
    const found = await sql<Story>`
      SELECT id, state, fence,
        ARRAY(SELECT outcome FROM ended_attempt WHERE job_id = job.id ORDER BY fence) AS outcomes,
        ARRAY(SELECT seq || ' ' || type FROM any_event WHERE stream = 'job:' || job.id ORDER BY seq) AS events,
        output
      FROM job ORDER BY id`.execute(database.queryable);
    return found.rows;
  };

  const countRows = async (table: string): Promise<number> => {
    const counted = await sql<{ count: number }>`SELECT count(*) AS count FROM ${sql.table(table)}`.execute(
      database.queryable,
    );
    return counted.rows[0]!.count;
  };

  it("a cancel and a success leave one end, and each is told the truth", { timeout: timeoutMs }, async () => {
    const answers = new Map<string, string>();
    const ended = new Map<string, boolean>();
    const cancel = async (id: string): Promise<void> => {
      const answer = queue.transaction((scope) => queue.cancel(scope, id));
      answers.set(id, await answer.catch(codeOf));
    };
    /** As a worker does: together with others if that can be, or else as it was told meanwhile. */
    const end = async (held: ClaimedJob): Promise<void> => {
      const isRecorded = await succeed(held);
      ended.set(held.id, isRecorded);
      if (!isRecorded) await finish(held, { outcome: "cancelled" });
    };
    for (let round = 0; round < 20 * times; round++) {
      await enqueue(50);
      const held = await claim(50);
      await Promise.all(
        shuffled(held.flatMap((job) => [() => cancel(job.id), () => end(job)])).map((act) => act()),
      );
    }

    const wrong = (await readStories()).filter(({ id, state, outcomes, events, output: result }) => {
      const isSuccess = ended.get(id) === true;
      const expected = isSuccess
        ? { state: "succeeded", answer: "already_finished", result: { by: "w" } }
        : { state: "cancelled", answer: "cancelling", result: null };
      return !isDeepStrictEqual(
        { state, answer: answers.get(id), outcomes, events, result },
        { ...expected, outcomes: [expected.state], events: ["1 job.queued", `2 job.${expected.state}`] },
      );
    });
    expect(wrong).toEqual([]);
    expect(answers.size).toBe(1000 * times);
    // Otherwise nothing was raced.
    expect([...ended.values()].filter(Boolean).length).toBeGreaterThan(50);
    expect([...ended.values()].filter((one) => !one).length).toBeGreaterThan(50);
  });

  it("several reapers and the holder leave one end of each attempt", { timeout: timeoutMs }, async () => {
    let [taken, finished] = [0, 0];
    for (let round = 0; round < 10 * times; round++) {
      await enqueue(100);
      const held = await claim(100);
      await sql`UPDATE job SET lease_until = now() - interval '1 second' WHERE state = 'running'`.execute(
        database.queryable,
      );
      const reaping = [1, 2, 3].map(() => reapJobs(parts(), "expired_leases"));
      const finishing = shuffled(held)
        .slice(0, 50)
        .map((job) => finish(job, { outcome: "succeeded", output: { by: "w" } }));
      for (const count of await Promise.all(reaping)) taken += count;
      for (const isHeld of await Promise.all(finishing)) finished += isHeld ? 1 : 0;
      // What a reaper left because its row was locked belongs to the next.
      taken += await reapJobs(parts(), "expired_leases");
      await sql`UPDATE job SET queue = 'over'`.execute(database.queryable);
    }

    const stories = await readStories();
    const wrong = stories.filter(
      ({ state, fence, outcomes }) =>
        !isDeepStrictEqual([state, fence, outcomes], ["succeeded", 1, ["succeeded"]]) &&
        !isDeepStrictEqual([state, fence, outcomes], ["queued", 2, ["crashed"]]),
    );
    expect(wrong).toEqual([]);
    expect(stories).toHaveLength(1000 * times);
    expect(taken).toBe(stories.filter(({ state }) => state === "queued").length);
    expect(finished).toBe(stories.filter(({ state }) => state === "succeeded").length);
    expect(finished).toBeGreaterThan(0);
  });

  it("gives each job to one of eight who claim", { timeout: timeoutMs }, async () => {
    for (let round = 0; round < 4 * times; round++) {
      await enqueue(250);
      const claimed = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const mine: string[] = [];
          for (;;) {
            const jobs = await claim(1 + Math.floor(Math.random() * 5));
            if (jobs.length === 0) return mine;
            mine.push(...jobs.map(({ id }) => id));
          }
        }),
      );

      const ids = claimed.flat();
      expect(new Set(ids).size).toBe(ids.length);
      // Each claim passes over what others have locked, so the last may leave some behind.
      for (let left = await claim(250); left.length > 0; left = await claim(250)) {
        ids.push(...left.map(({ id }) => id));
      }
      expect(ids).toHaveLength(250);
      expect((await readStories()).filter(({ fence }) => fence !== 1)).toEqual([]);
      await sql`TRUNCATE job, job_payload, event, job_count, job_count_change`.execute(database.queryable);
    }
  });

  const countDeadlocks = async (): Promise<number> => {
    const found = await sql<{ deadlocks: number }>`
      SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`.execute(database.queryable);
    return found.rows[0]!.deadlocks;
  };

  /** The ways in which a job is enqueued. */
  const ways: readonly ((task: typeof plainTask, key: string, options: EnqueueOptions) => Promise<string>)[] =
    [
      async (task, key, options) => {
        const [job] = await enqueueAlone(database, parts(), [prepareJob(task, { key }, options)]);
        if (job === undefined || "code" in job) throw new Error("no job was given");
        return job.id;
      },
      async (task, key, options) =>
        (await queue.transaction((scope) => queue.enqueue(scope, task, { key }, options))).id,
      async (task, key, options) => (await queue.add(task, { key }, options)).id,
    ];

  it.each([
    { name: "idempotency key", task: plainTask, options: { idempotencyKey: "the same" } },
    { name: "unique key", task: uniqueTask, options: {} },
  ])(
    "writes one job for fifty who give the same $name at once",
    { timeout: timeoutMs },
    async ({ task, options }) => {
      for (let round = 0; round < 20 * times; round++) {
        const owner = `owner ${round}`;
        const key = `key ${round}`;
        const ids = await Promise.all(
          Array.from({ length: 50 }, (_none, nth) =>
            ways[nth % ways.length]!(task, key, { ...options, owner }),
          ),
        );

        expect(new Set(ids).size).toBe(1);
      }

      const stories = await readStories();
      expect(stories).toHaveLength(20 * times);
      expect(stories.filter(({ events }) => !isDeepStrictEqual(events, ["1 job.queued"]))).toEqual([]);
      expect(await countRows("job_payload")).toBe(20 * times);
      expect(await countJobs(database.queryable)).toEqual([
        { queue: "races", state: "queued", count: 20 * times },
      ]);
    },
  );

  it.each([
    { name: "unique keys", request: (key: string) => ({ task: uniqueTask, input: { key } }) },
    {
      name: "idempotency keys",
      request: (key: string) => ({
        task: plainTask,
        input: { key: "x" },
        options: { idempotencyKey: key, owner: "ann" },
      }),
    },
  ])(
    "writes one job for each of the $name that batches give in opposite orders, without a deadlock",
    { timeout: timeoutMs },
    async ({ request }) => {
      const deadlocksBefore = await countDeadlocks();
      for (let round = 0; round < 125 * times; round++) {
        const requests = [1, 2, 3, 4].map((nth) => request(`${round} ${nth}`));
        const orders = [requests, requests.toReversed(), requests, requests.toReversed()];
        const given = await Promise.all(
          orders.map((order) => queue.transaction((scope) => queue.enqueueMany(scope, order))),
        );

        const ids = given.flatMap((jobs) => jobs.map(({ id }) => id));
        expect(new Set(ids).size).toBe(4);
      }
      expect(await countRows("job")).toBe(500 * times);
      // Tried again they would come through, each after a second in which both stand still.
      expect(await countDeadlocks()).toBe(deadlocksBefore);
    },
  );

  it(
    "retries a job that is pruned at the same time, or says that it is gone",
    { timeout: timeoutMs },
    async () => {
      let [retried, gone] = [0, 0];
      for (let round = 0; round < 20 * times; round++) {
        const ids = await enqueue(50);
        await purgeQueue(parts(), "races");
        await sql`
        UPDATE job SET finished_at = now() - interval '40 days', purge_at = now() - interval '1 day'`.execute(
          database.queryable,
        );
        const retry = async (id: string): Promise<string> => {
          // With one connection everybody takes turns: so some come before the others' statements.
          for (let turns = Math.random() * 8; turns > 0; turns--) await countRows("race_quota");
          return await queue
            .transaction((scope) => queue.retry(scope, id))
            .then(() => "retried")
            .catch(codeOf);
        };

        const [answered] = await Promise.all([
          Promise.all(ids.map(retry)),
          pruneHistory(database, defaultRetention),
        ]);
        const answers = new Map(ids.map((id, nth) => [id, answered[nth]]));

        const left = new Set((await readStories()).map(({ id }) => id));
        const untrue = ids.filter((id) => answers.get(id) !== (left.has(id) ? "retried" : "job_not_found"));
        expect(untrue).toEqual([]);
        expect(await countRows("job_payload")).toBe(left.size);
        expect(
          (await readStories()).filter(
            ({ state, events }) => state !== "queued" || events.at(-1) !== "3 job.queued",
          ),
        ).toEqual([]);
        retried += left.size;
        gone += 50 - left.size;
        await sql`TRUNCATE job, job_payload, event, job_count, job_count_change`.execute(database.queryable);
      }
      expect(retried + gone).toBe(1000 * times);
      // Otherwise nothing was raced.
      expect(retried).toBeGreaterThan(0);
      expect(gone).toBeGreaterThan(0);
    },
  );

  it(
    "accepts ten of two hundred jobs at a quota of ten, and nothing of the others",
    { timeout: timeoutMs },
    async () => {
      const told: string[] = [];
      const unsubscribe = queue.bus.onTransition(({ job }) => void told.push(job.id));
      for (let round = 0; round < 5 * times; round++) {
        await sql`INSERT INTO race_quota (used, allowed) VALUES (0, 10)`.execute(database.queryable);
        told.length = 0;
        const answers = await Promise.all(
          Array.from({ length: 200 }, () =>
            queue
              .transaction(async (scope) => {
                // The job first, so that all of it has to be taken back.
                const { id } = await queue.enqueue(scope, plainTask, { key: "x" });
                const reserved = await sql`
                UPDATE race_quota SET used = used + 1 WHERE used < allowed RETURNING used`.execute(
                  scope.transaction,
                );
                if (reserved.rows.length === 0) throw new Error("the quota is used up");
                return id;
              })
              .catch(() => "refused"),
          ),
        );

        const accepted = answers.filter((answer) => answer !== "refused").toSorted();
        const stories = await readStories();
        expect(stories.map(({ id }) => id)).toEqual(accepted);
        expect(accepted).toHaveLength(10);
        expect(stories.filter(({ events }) => !isDeepStrictEqual(events, ["1 job.queued"]))).toEqual([]);
        expect(await countRows("any_event")).toBe(10);
        expect(await countRows("job_payload")).toBe(10);
        expect(await countJobs(database.queryable)).toEqual([{ queue: "races", state: "queued", count: 10 }]);
        expect(told.toSorted()).toEqual(accepted);
        await sql`TRUNCATE job, job_payload, event, job_count, job_count_change, race_quota`.execute(
          database.queryable,
        );
      }
      unsubscribe();
    },
  );

  it("claims nothing after a pause has returned", { timeout: timeoutMs }, async () => {
    await enqueue(1000 * times);
    const race: { isOver: boolean; pause: number | undefined } = { isOver: false, pause: undefined };
    const late: string[] = [];
    const claiming = Array.from({ length: 4 }, async () => {
      let claimed = 0;
      while (!race.isOver) {
        const { pause } = race;
        const jobs = await claim(1);
        // Asked for after the pause had returned, and answered before the same one was lifted.
        if (pause !== undefined && pause === race.pause) late.push(...jobs.map(({ id }) => id));
        claimed += jobs.length;
      }
      return claimed;
    });
    const countRunning = async (): Promise<number> => {
      const counted = await sql<{ count: number }>`
        SELECT count(*) AS count FROM job WHERE state = 'running'`.execute(database.queryable);
      return counted.rows[0]!.count;
    };

    for (let round = 0; round < 100 * times; round++) {
      await pauseQueue(database, "races", { by: "ann" });
      race.pause = round;
      const before = await countRunning();
      expect(await countRunning()).toBe(before);
      race.pause = undefined;
      await resumeQueue(database, "races", { by: "ann" });
      // Until somebody was let in, or nothing is left to claim.
      await claim(1);
    }
    race.isOver = true;
    const claimed = (await Promise.all(claiming)).reduce((sum, count) => sum + count);

    expect(late).toEqual([]);
    // Otherwise nothing was raced.
    expect(claimed).toBeGreaterThan(50);
  });
});

function codeOf(error: unknown): string {
  if (isMillraceError(error)) return error.code;
  throw error;
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .toSorted((left, right) => left.at - right.at)
    .map(({ item }) => item);
}
