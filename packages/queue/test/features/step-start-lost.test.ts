import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleTask, Queue } from "../../src/index.ts";
import { useQueue } from "./use-queue.ts";
import { watchDatabase } from "./watch-database.ts";

const task = defineTask({ name: "tests.step", input: z.object({}), output: z.number(), retries: 0 });

describe.each(testDatabases())("the start of a step on $name", (kind) => {
  const opened = useQueue(kind);

  it("is noted again when the connection is lost over it, and costs no attempt", async () => {
    let losses = 0;
    const database = watchDatabase(opened.database, {
      beforeAnswer: (text) => {
        if (!text.includes("INSERT INTO job_step") || losses === 2) return Promise.resolve();
        losses++;
        // The connection breaks when the statement has had its effect.
        return Promise.reject(Object.assign(new Error("connection lost"), { code: "ECONNRESET" }));
      },
    });
    let runs = 0;
    const handler = handleTask({ task, run: ({ step }) => step("only", () => Promise.resolve(++runs)) });
    const queue = new Queue({ database, logger: silentLogger, handlers: [handler] });

    const { id } = await queue.add(task, {});
    await opened.startWorker(queue);
    const ended = await queue.waitForEnd(id, { timeoutMs: 15_000 });

    expect([losses, runs]).toEqual([2, 1]);
    expect(ended).toMatchObject({ state: "succeeded", attempt: 1 });
  });
});
