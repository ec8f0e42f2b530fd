import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleTask } from "../../src/index.ts";
import type { Queue } from "../../src/index.ts";
import type { StoredEvent } from "../../src/events/event.ts";
import { defaultRetention, pruneHistory } from "../../src/retention/prune.ts";
import { useQueue } from "./use-queue.ts";

const task = defineTask({
  name: "tests.tell",
  queue: "tests",
  input: z.object({ fails: z.boolean() }),
  output: z.null(),
  retries: 0,
});

/** What a job's row says anyway is numbered and told like every event, but not stored. */
describe.each(testDatabases())("the events of a job's own stream on $name", (kind) => {
  const opened = useQueue(kind);

  const createQueue = (): Queue =>
    opened.createQueue([
      handleTask({
        task,
        run: async ({ input }) => {
          if (input.fails) throw new Error("as told");
          return null;
        },
      }),
    ]);

  const readAll = async (queue: Queue, id: string, after = 0): Promise<readonly StoredEvent[]> =>
    (await queue.feed.read(`job:${id}`, after, 100)).events;

  const told = (events: readonly StoredEvent[]): string[] => events.map(({ seq, type }) => `${seq} ${type}`);

  const countStored = async (): Promise<number> => {
    const found = await sql<{ count: number }>`SELECT count(*) AS count FROM event`.execute(
      opened.database.queryable,
    );
    return found.rows[0]?.count ?? 0;
  };

  const runOne = async (queue: Queue, fails: boolean): Promise<string> => {
    const { id } = await queue.add(task, { fails });
    const worker = await opened.startWorker(queue);
    await queue.waitForEnd(id, { timeoutMs: 15_000 });
    await worker.stop();
    return id;
  };

  const pruneEvents = async (id: string): Promise<void> => {
    await sql`UPDATE job SET finished_at = finished_at - interval '2 days' WHERE id = ${id}`.execute(
      opened.database.queryable,
    );
    await pruneHistory(opened.database, defaultRetention, AbortSignal.timeout(30_000));
  };

  it("are read as those who watched heard them", async () => {
    const queue = createQueue();
    const heard: StoredEvent[] = [];
    queue.feed.onEvents((events) => heard.push(...events));

    const id = await runOne(queue, false);

    expect(told(heard)).toEqual(["1 job.queued", "2 job.succeeded"]);
    expect(await readAll(queue, id)).toEqual(heard);
    expect(await readAll(queue, id, 1)).toEqual(heard.slice(1));
    expect(await queue.feed.read(`job:${id}`, 0, 1)).toMatchObject({
      events: [{ seq: 1 }],
      lastSeq: 2,
      oldestSeq: 1,
    });
    expect(await countStored()).toBe(0);
  });

  it("are read together with those that are stored, once each", async () => {
    const queue = createQueue();

    const id = await runOne(queue, true);

    expect(told(await readAll(queue, id))).toEqual(["1 job.queued", "2 job.failed"]);
    expect(await countStored()).toBe(1);
    await sql`INSERT INTO event (stream, seq, type, data) VALUES (${`job:${id}`}, 1, 'job.queued', '{}')`.execute(
      opened.database.queryable,
    );
    expect(told(await readAll(queue, id))).toEqual(["1 job.queued", "2 job.failed"]);
  });

  it("are gone when their time is over", async () => {
    const queue = createQueue();
    const id = await runOne(queue, false);

    await pruneEvents(id);

    expect(await queue.feed.read(`job:${id}`, 0, 100)).toEqual({ events: [], lastSeq: 2, oldestSeq: 3 });
  });

  it("do not begin anew when a job is tried again after that", async () => {
    const queue = createQueue();
    const id = await runOne(queue, true);
    await pruneEvents(id);

    await queue.transaction((scope) => queue.retry(scope, id));

    expect(told(await readAll(queue, id))).toEqual(["3 job.queued"]);
  });
});
