import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask } from "../../src/index.ts";
import type { EnqueueOptions, JobRecord, Queue } from "../../src/index.ts";
import { createMemoryBroker } from "../../src/brokers/memory-broker.ts";
import { finishAttempt } from "../../src/jobs/finish-attempt.ts";
import type { AttemptEnd } from "../../src/jobs/finish-attempt.ts";
import type { ClaimedJob } from "../../src/jobs/job-row.ts";
import { promoteDueJobs } from "../../src/jobs/promote.ts";
import { TaskRegistry } from "../../src/tasks/task-registry.ts";
import { useQueue } from "./use-queue.ts";

const task = defineTask({
  name: "tests.take_turns",
  queue: "tests",
  input: z.object({ nth: z.number() }),
  output: z.null(),
});
const failure = { code: "busy", message: "Busy." };

const ways = testDatabases().flatMap((kind) => [
  { kind, goesOn: false, name: `${kind.name}, claimed from the head` },
  { kind, goesOn: true, name: `${kind.name}, claimed where the claim before ended` },
]);

describe.each(ways)("fair share on $name", ({ kind, goesOn }) => {
  const opened = useQueue(kind);
  const claim = (count: number, choice: "best" | "oldest" = "best") =>
    opened.claim([task], { count, choice, goesOn });

  const addFor = (queue: Queue, owner: string | null, count: number, options: EnqueueOptions = {}) =>
    queue.addMany(
      Array.from({ length: count }, (_none, nth) => ({
        task,
        input: { nth },
        options: owner === null ? options : { ...options, owner },
      })),
    );

  const makeDue = async (queue: Queue): Promise<void> => {
    await sql`UPDATE job SET run_at = now() - interval '1 second' WHERE state = 'scheduled'`.execute(
      opened.database.queryable,
    );
    await promoteDueJobs({ database: opened.database, broker: createMemoryBroker(), bus: queue.bus });
  };

  const finish = (queue: Queue, job: ClaimedJob | undefined, end: AttemptEnd): Promise<boolean> => {
    if (job === undefined) throw new Error("nothing was claimed");
    const parts = { bus: queue.bus, broker: createMemoryBroker(), registry: new TaskRegistry([]) };
    const writeFirst = (): Promise<void> => Promise.resolve();
    return queue.transaction((scope) =>
      finishAttempt(scope, parts, job, { end, writeFirst, skipsHook: false }),
    );
  };

  const ownersOf = (jobs: readonly { readonly owner: string | null }[]): string =>
    jobs.map(({ owner }) => owner ?? "-").join("");
  const idsOf = (jobs: readonly { readonly id: string }[]): string[] => jobs.map(({ id }) => id);

  it("lets a more urgent job start next, and then goes on", async () => {
    const queue = opened.createQueue([]);
    const usual = await addFor(queue, "a", 4);
    const first = await claim(2);
    const urgent = await addFor(queue, "a", 1, { priority: 9 });

    const then = await claim(5);

    expect(idsOf(first)).toEqual(idsOf(usual.slice(0, 2)));
    expect(idsOf(then)).toEqual(idsOf([...urgent, ...usual.slice(2)]));
  });

  it("lets another owner's first job start after one of the 5,000 that came before it", async () => {
    const queue = opened.createQueue([]);
    await addFor(queue, "a", 5000);
    await addFor(queue, "b", 1);

    expect(ownersOf(await claim(3))).toBe("aba");
  });

  it("gives owners their turns one after another, each in the order of its own jobs", async () => {
    const queue = opened.createQueue([]);
    const jobs = new Map<string, JobRecord[]>();
    for (const owner of ["a", "b", "c"]) jobs.set(owner, await addFor(queue, owner, 3));

    const claimed = await claim(9);

    expect(ownersOf(claimed)).toBe("abcabcabc");
    for (const [owner, own] of jobs) {
      expect(idsOf(claimed.filter((job) => job.owner === owner))).toEqual(idsOf(own));
    }
  });

  it("gives them their turns however the jobs of several are written together", async () => {
    const queue = opened.createQueue([]);
    await queue.addMany(
      ["a", "a", "a", "b", "b", "b"].map((owner, nth) => ({ task, input: { nth }, options: { owner } })),
    );

    expect(ownersOf(await claim(6))).toBe("ababab");
  });

  it("gives an owner of weight 2 two turns where the other gets one", async () => {
    const queue = opened.createQueue([]);
    await queue.control.setOwnerWeight("a", 2);
    await addFor(queue, "a", 40);
    await addFor(queue, "b", 40);

    expect(ownersOf(await claim(30)).replaceAll("b", "")).toHaveLength(20);
  });

  it("gives an owner of weight 0.5 one turn where the other gets two", async () => {
    const queue = opened.createQueue([]);
    await queue.control.setOwnerWeight("b", 0.5);
    await addFor(queue, "a", 40);
    await addFor(queue, "b", 40);

    expect(ownersOf(await claim(30)).replaceAll("a", "")).toHaveLength(10);
  });

  it("counts jobs without an owner as those of one", async () => {
    const queue = opened.createQueue([]);
    await addFor(queue, null, 3);
    await addFor(queue, "a", 3);

    expect(ownersOf(await claim(6))).toBe("-a-a-a");
  });

  it("lets a higher priority go before a share", async () => {
    const queue = opened.createQueue([]);
    await addFor(queue, "a", 3, { priority: 9 });
    await addFor(queue, "b", 3);

    expect(ownersOf(await claim(6))).toBe("aaabbb");
  });

  it("counts the turns of each priority by themselves", async () => {
    const queue = opened.createQueue([]);
    await addFor(queue, "a", 20, { priority: 9 });
    await addFor(queue, "a", 3);
    await addFor(queue, "b", 3);
    await claim(20);

    expect(ownersOf(await claim(6))).toBe("ababab");
  });

  it("puts a new owner at the head of the line, not before it", async () => {
    const queue = opened.createQueue([]);
    await addFor(queue, "a", 100);
    await claim(50);

    await addFor(queue, "b", 10);

    expect(ownersOf(await claim(8))).toBe("abababab");
  });

  it("gives an owner nothing for the time in which it had no jobs", async () => {
    const queue = opened.createQueue([]);
    await addFor(queue, "b", 1);
    await addFor(queue, "a", 100);
    await claim(60);

    await addFor(queue, "b", 10);

    expect(ownersOf(await claim(8))).toBe("abababab");
  });

  it("goes on behind the line of an owner that comes back with more", async () => {
    const queue = opened.createQueue([]);
    await addFor(queue, "a", 3);
    await addFor(queue, "b", 3);
    await addFor(queue, "a", 3);

    expect(ownersOf(await claim(9))).toBe("abababaaa");
  });

  it("places a delayed job when it is due, behind those of its owner", async () => {
    const queue = opened.createQueue([]);
    const [delayed] = await addFor(queue, "a", 1, { delayMs: 60_000 });
    await addFor(queue, "a", 2);
    await addFor(queue, "b", 3);
    await makeDue(queue);

    const claimed = await claim(6);

    expect(ownersOf(claimed)).toBe("ababab");
    expect(claimed[4]?.id).toBe(delayed?.id);
  });

  it("lets nobody jump the line by delays from when it was short", async () => {
    const queue = opened.createQueue([]);
    await addFor(queue, "a", 20, { delayMs: 60_000 });
    await addFor(queue, "b", 100);
    await claim(50);

    await makeDue(queue);

    expect(ownersOf(await claim(8)).replaceAll("b", "")).toHaveLength(4);
  });

  it("keeps the turn of a job that failed and is tried again", async () => {
    const queue = opened.createQueue([]);
    await addFor(queue, "a", 10);
    const [failed] = await claim(1);
    await finish(queue, failed, { outcome: "failed", error: failure, retryInMs: 60_000 });
    await makeDue(queue);

    expect(idsOf(await claim(1))).toEqual([failed?.id]);
  });

  it.each<AttemptEnd>([
    { outcome: "failed", error: failure, retryInMs: 60_000 },
    { outcome: "snoozed", delayMs: 60_000 },
    { outcome: "handed_back" },
  ])("lets nobody jump the line with a job that comes back ($outcome)", async (end) => {
    const queue = opened.createQueue([]);
    await addFor(queue, "a", 1);
    const [early] = await claim(1);
    await addFor(queue, "b", 1000);
    await claim(50);

    await finish(queue, early, end);
    await makeDue(queue);
    await addFor(queue, "a", 20);

    expect(ownersOf(await claim(8)).replaceAll("b", "")).toHaveLength(4);
  });

  it.each<AttemptEnd>([
    { outcome: "failed", error: failure, retryInMs: 60_000 },
    { outcome: "snoozed", delayMs: 60_000 },
    { outcome: "handed_back" },
  ])("lets no owner wait for the turns it had before everybody's line was empty ($outcome)", async (end) => {
    const queue = opened.createQueue([]);
    await addFor(queue, "a", 100);
    const last = (await claim(100)).at(-1);
    await addFor(queue, "b", 50);

    await finish(queue, last, end);
    await makeDue(queue);
    await addFor(queue, "a", 1);

    const next = await claim(4);
    expect(ownersOf(next).replaceAll("b", "")).toBe("aa");
    expect(idsOf(next)).toContain(last?.id);
  });

  it("lets jobs that come back together stand one turn behind the other", async () => {
    const queue = opened.createQueue([]);
    await addFor(queue, "a", 100);
    const late = (await claim(100)).slice(-20);
    await addFor(queue, "b", 50);

    const end: AttemptEnd = { outcome: "snoozed", delayMs: 60_000 };
    for (const job of late.toReversed()) await finish(queue, job, end);
    await makeDue(queue);

    const claimed = await claim(20);
    expect(ownersOf(claimed).replaceAll("b", "")).toHaveLength(10);
    expect(idsOf(claimed.filter(({ owner }) => owner === "a"))).toEqual(idsOf(late.slice(0, 10)));
  });

  it("puts a job that a person retries at the end of its owner's line", async () => {
    const queue = opened.createQueue([]);
    const [failed] = await addFor(queue, "a", 1);
    const [held] = await claim(1);
    await finish(queue, held, { outcome: "failed", error: failure, retryInMs: undefined });
    await addFor(queue, "a", 2);
    await addFor(queue, "b", 3);

    await queue.transaction((scope) => queue.retry(scope, failed?.id ?? ""));

    const claimed = await claim(6);
    expect(ownersOf(claimed.slice(0, 4))).toBe("abab");
    expect(claimed.filter(({ owner }) => owner === "a").at(-1)?.id).toBe(failed?.id);
  });

  it("gives the oldest job of the queue to who asks for that, whatever its priority and place", async () => {
    const queue = opened.createQueue([]);
    const [oldest] = await addFor(queue, "a", 1, { priority: 0 });
    await addFor(queue, "b", 20, { priority: 9 });

    expect(idsOf(await claim(1, "oldest"))).toEqual([oldest?.id]);
  });
});
