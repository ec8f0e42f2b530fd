import { newId, silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, Queue } from "../../src/index.ts";
import type { EnqueueOptions, JobRecord } from "../../src/index.ts";
import { useQueue } from "./use-queue.ts";
import { watchDatabase } from "./watch-database.ts";

/** The input is anything that JSON can say, and a number of its own. */
const task = defineTask({
  name: "tests.note_any",
  queue: "tests",
  input: z.object({ nth: z.number(), any: z.unknown() }),
  output: z.null(),
});

type Request = { task: typeof task; input: z.infer<typeof task.input>; options: EnqueueOptions };

const request = (nth: number, any: unknown = null, options: EnqueueOptions = {}): Request => ({
  task,
  input: { nth, any },
  options,
});
const requests = (count: number): Request[] => Array.from({ length: count }, (_none, nth) => request(nth));

describe.each(testDatabases())("enqueueing many on $name", (kind) => {
  const opened = useQueue(kind);

  beforeAll(() =>
    sql`ALTER TABLE job_payload ADD CONSTRAINT refuses CHECK (input ->> 'any' IS DISTINCT FROM 'refused')`.execute(
      opened.database.queryable,
    ),
  );

  const nthOf = async (queue: Queue, jobs: readonly JobRecord[]): Promise<unknown[]> =>
    await Promise.all(jobs.map(async ({ id }) => (await queue.readDetail(id)).input)).then((inputs) =>
      inputs.map((input) => z.object({ nth: z.number() }).parse(input).nth),
    );

  const addAll = (queue: Queue, all: readonly Request[]): Promise<PromiseSettledResult<JobRecord>[]> =>
    Promise.allSettled(all.map(({ input, options }) => queue.add(task, input, options)));

  const outcomes = (results: readonly PromiseSettledResult<JobRecord>[]): string =>
    results.map(({ status }) => (status === "fulfilled" ? "+" : "-")).join("");

  describe("one by one, at the same time", () => {
    it("writes them with few statements, and gives each caller its own job", async () => {
      const statements: string[] = [];
      const queue = new Queue({
        database: watchDatabase(opened.database, { onStatement: (text) => statements.push(text) }),
        logger: silentLogger,
        handlers: [],
        tasks: [task],
      });

      const jobs = await Promise.all(requests(200).map(({ input }) => queue.add(task, input)));
      const sent = statements.length;

      expect(await nthOf(queue, jobs)).toEqual(requests(200).map(({ input }) => input.nth));
      // Three where nothing else keeps the machine busy.
      expect(sent).toBeLessThanOrEqual(10);
    });

    it("fails only the caller whose input does not fit", async () => {
      const queue = opened.createQueue([]);
      const wrong = { ...request(1), input: { nth: "one" } as unknown as Request["input"] };

      const results = await addAll(queue, [request(0), wrong, request(2)]);

      expect(outcomes(results)).toBe("+-+");
      expect(results[1]).toMatchObject({ reason: { code: "invalid_job_input" } });
    });

    it("fails only the caller whose input the database refuses", async () => {
      const queue = opened.createQueue([]);
      const all = requests(20).with(7, request(7, "refused"));

      const results = await addAll(queue, all);

      expect(outcomes(results)).toBe("+".repeat(20).slice(0, 7) + "-" + "+".repeat(12));
    });

    it("fails only the caller who uses an idempotency key again for something else", async () => {
      const queue = opened.createQueue([]);
      const all = requests(6);
      all[1] = request(1, null, { idempotencyKey: "k" });
      all[4] = request(4, null, { idempotencyKey: "k" });

      const results = await addAll(queue, all);

      expect(outcomes(results)).toBe("++++-+");
      expect(results[4]).toMatchObject({ reason: { code: "idempotency_key_reused" } });
    });

    it("tells of each job once when one of them fails", async () => {
      const queue = opened.createQueue([]);
      const told: string[] = [];
      queue.on("job.enqueued", ({ job }) => void told.push(job.id));
      const all = requests(6);
      all[1] = request(1, null, { idempotencyKey: "k" });
      all[4] = request(4, null, { idempotencyKey: "k" });

      const results = await addAll(queue, all);

      const ids = results.flatMap((result) => (result.status === "fulfilled" ? [result.value.id] : []));
      expect(told.toSorted()).toEqual(ids.toSorted());
    });
  });

  it("gives the jobs of one call in the order in which they were asked for", async () => {
    const queue = opened.createQueue([], { tasks: [task] });
    const known = await queue.add(task, { nth: 2, any: null }, { idempotencyKey: "k" });
    const all = requests(6).with(2, request(2, null, { idempotencyKey: "k" }));

    const jobs = await queue.addMany(all);

    expect(await nthOf(queue, jobs)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(jobs[2]?.id).toBe(known.id);
  });

  it("takes jobs of several tasks, queues and owners in one call", async () => {
    const queue = opened.createQueue([]);
    const elsewhere = { ...task, name: "tests.note_elsewhere", queue: "elsewhere", priority: 7 };

    const jobs = await queue.addMany([
      { ...request(0), options: { owner: "a" } },
      { ...request(1), task: elsewhere, options: { owner: "b", delayMs: 60_000 } },
    ]);

    expect(jobs).toMatchObject([
      { task: task.name, queue: "tests", owner: "a", priority: 5, state: "queued" },
      { task: elsewhere.name, queue: "elsewhere", owner: "b", priority: 7, state: "scheduled" },
    ]);
    expect(await Promise.all(jobs.map(({ id }) => opened.find(id)))).toEqual(jobs);
  });

  it("takes none at all", async () => {
    expect(await opened.createQueue([]).addMany([])).toEqual([]);
  });

  it.each<[string, () => Request]>([
    [
      "an input that does not fit",
      () => ({ ...request(2), input: { nth: "two" } as unknown as Request["input"] }),
    ],
    ["an input that the database refuses", () => request(2, "refused")],
    ["an idempotency key that was used", () => request(2, null, { idempotencyKey: "k" })],
  ])("writes all of one call or none of it (%s)", async (_name, wrong) => {
    const queue = opened.createQueue([]);
    await queue.add(task, { nth: 99, any: null }, { idempotencyKey: "k" });

    await expect(queue.addMany(requests(4).with(2, wrong()))).rejects.toThrow(Error);

    expect(await opened.claim([task], { count: 10 })).toHaveLength(1);
  });

  it("writes many with the transaction of the caller or not at all", async () => {
    const queue = opened.createQueue([]);
    const told: string[] = [];
    queue.on("job.enqueued", ({ job }) => void told.push(job.id));

    const changed = queue.transaction(async (scope) => {
      await queue.enqueueMany(scope, requests(3));
      throw new Error("changed my mind");
    });

    await expect(changed).rejects.toThrow("changed my mind");
    expect(await opened.claim([task], { count: 10 })).toEqual([]);
    expect(told).toEqual([]);
  });

  it("numbers the events of a stream that several jobs of one call share", async () => {
    const queue = opened.createQueue([]);
    const stream = `document:${newId()}`;

    const jobs = await queue.addMany(requests(3).map((one) => ({ ...one, options: { stream } })));

    const { events } = await queue.feed.read(stream, 0, 10);
    expect(events.map(({ seq, type, data }) => [seq, type, data["job_id"]])).toEqual(
      jobs.map(({ id }, index) => [index + 1, "document.queued", id]),
    );
  });

  it("tells those who watch the numbers that are stored", async () => {
    const queue = opened.createQueue([]);
    const told: number[] = [];
    queue.bus.onEvents((events) => void told.push(...events.map(({ seq }) => seq)));
    const stream = `document:${newId()}`;

    await queue.addMany(requests(2).map((one) => ({ ...one, options: { stream } })));
    await queue.addMany(requests(2).map((one) => ({ ...one, options: { stream } })));

    expect(told).toEqual([1, 2, 3, 4]);
  });
});
