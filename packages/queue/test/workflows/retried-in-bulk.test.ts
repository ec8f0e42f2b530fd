import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { describe, expect, it } from "vitest";
import { chord, map, Queue, step } from "../../src/index.ts";
import { useQueue } from "../features/use-queue.ts";
import { watchDatabase } from "../features/watch-database.ts";
import { double, plainHandlers, sum } from "./tasks.ts";

const members = 200;

describe.each(testDatabases())("members of a workflow that is retried on $name", (kind) => {
  const opened = useQueue(kind);

  it("are ended many at a time, as those that run for the first time", async () => {
    const statements: string[] = [];
    const database = watchDatabase(opened.database, { onStatement: (text) => void statements.push(text) });
    const queue = new Queue({ database, logger: silentLogger, handlers: plainHandlers });
    const items = Array.from({ length: members }, (_none, nth) => nth);
    const { id } = await queue.workflows.start(chord(map(double, items), step(sum)));
    await queue.workflows.cancel(id);
    await queue.workflows.waitForEnd(id, { timeoutMs: 30_000 });
    statements.length = 0;

    await queue.workflows.retry(id);
    await opened.startWorker(queue, { concurrency: 100 });
    const ended = await queue.workflows.waitForEnd(id, { timeoutMs: 30_000 });

    expect(ended).toMatchObject({ state: "succeeded", ended_jobs: members + 1 });
    const together = statements.filter((text) => text.includes("succeed_jobs"));
    const alone = statements.filter((text) => text.includes("job.fence = ") && text.includes("FOR UPDATE"));
    expect(together.length).toBeLessThan(members / 4);
    expect(alone).toEqual([]);
  });
});
