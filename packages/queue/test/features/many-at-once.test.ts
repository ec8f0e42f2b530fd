import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleTask, Queue } from "../../src/index.ts";
import type { JobContext } from "../../src/index.ts";
import { useQueue } from "./use-queue.ts";
import { watchDatabase } from "./watch-database.ts";

const task = defineTask({
  name: "tests.many_at_once",
  queue: "tests",
  input: z.object({ nth: z.number() }),
  output: z.unknown(),
});

/** Of large claims, jobs are begun while the next claim is under way; of the largest, two claims are. */
const cases = testDatabases().flatMap((kind) =>
  (kind.name === "embedded" ? [200] : [200, 2_000]).map((slots) => ({ ...kind, slots })),
);

describe.each(cases)("a worker with $slots slots on $name", ({ slots, ...kind }) => {
  const opened = useQueue(kind);

  let mostClaims = 0;
  let claims = 0;
  /** The answers of which claims are lost, counted from 1. */
  let lost: readonly number[] = [];
  const start = async (jobs: number, run: (context: JobContext<{ nth: number }>) => Promise<unknown>) => {
    let underWay = 0;
    const database = watchDatabase(opened.database, {
      onStatement: (text) => {
        if (text.includes("claim_jobs_onward")) mostClaims = Math.max(mostClaims, (underWay += 1));
      },
      beforeAnswer: async (text) => {
        if (!text.includes("claim_jobs_onward")) return;
        underWay -= 1;
        if (lost.includes((claims += 1))) throw new Error("Connection terminated unexpectedly");
      },
    });
    mostClaims = claims = 0;
    const queue = new Queue({ database, logger: silentLogger, handlers: [handleTask({ task, run })] });
    const given = Array.from({ length: jobs }, (_none, nth) => ({ task, input: { nth } }));
    const added = await queue.addMany(given);
    const worker = await opened.startWorker(queue, { concurrency: slots, drainMs: 0 });
    return { queue, worker, ids: added.map(({ id }) => id) };
  };
  const states = async (ids: readonly string[]): Promise<Record<string, number>> => {
    const { rows } = await sql<{ state: string; count: number }>`
      SELECT state || ' ' || attempt AS state, count(*)::int AS count FROM job WHERE id = ANY(${[...ids]}::uuid[])
      GROUP BY 1`.execute(opened.database.queryable);
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
  };

  it("fills them and never runs more", async () => {
    const begun: number[] = [];
    let running = 0;
    let most = 0;
    const full = Promise.withResolvers<void>();
    const { queue, worker, ids } = await start(2 * slots + 50, async ({ input }) => {
      begun.push(input.nth);
      most = Math.max(most, (running += 1));
      if (running === slots) full.resolve();
      await full.promise;
      running -= 1;
    });

    for (const id of ids) await queue.waitForEnd(id, { timeoutMs: 30_000 });
    await worker.stop();

    expect(most).toBe(slots);
    expect(begun.toSorted((left, right) => left - right)).toEqual(ids.map((_id, nth) => nth));
    expect(await states(ids)).toEqual({ "succeeded 1": ids.length });
  });

  it("leaves nothing running when it stops in the middle", async () => {
    const enough = Promise.withResolvers<void>();
    let ran = 0;
    const { worker, ids } = await start(4 * slots, async () => {
      if ((ran += 1) === 2 * slots) enough.resolve();
    });

    await enough.promise;
    await worker.stop();

    const found = await states(ids);
    expect(Object.keys(found).filter((state) => !/^(succeeded 1|queued 0)$/.test(state))).toEqual([]);
    expect(found["succeeded 1"]).toBeGreaterThan(0);
    expect(mostClaims).toBe(slots === 200 ? 1 : 2);
  });

  it("loses nothing with the answers of its claims", async () => {
    lost = [3, 4];
    const { queue, worker, ids } = await start(3 * slots, async () => null);

    for (const id of ids) await queue.waitForEnd(id, { timeoutMs: 30_000 });
    await worker.stop();
    lost = [];

    expect(claims).toBeGreaterThan(4);
    expect(await states(ids)).toEqual({ "succeeded 1": ids.length });
  }, 120_000);

  it("hands back what it has claimed when it stops, begun or not", async () => {
    const began = Promise.withResolvers<void>();
    const { worker, ids } = await start(2 * slots, async ({ signal }) => {
      began.resolve();
      await new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      });
    });

    await began.promise;
    await worker.stop();

    expect(await states(ids)).toEqual({ "queued 0": ids.length });
  });
});
