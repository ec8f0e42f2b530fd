import { testDatabases, waitFor } from "@millrace/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleTask, snooze, wakeJob } from "../../src/index.ts";
import { useQueue } from "./use-queue.ts";

const look = defineTask({ name: "tests.look", queue: "tests", input: z.object({}), output: z.number() });
const hour = 3_600_000;

describe.each(testDatabases())("a job that was snoozed, on $name", (kind) => {
  const opened = useQueue(kind);

  it("goes on when it is woken, and not before", async () => {
    let looks = 0;
    const handler = handleTask({
      task: look,
      run: async () => {
        if (++looks === 1) throw snooze(hour, "not there yet");
        return looks;
      },
    });
    const queue = opened.createQueue([handler]);
    await opened.startWorker(queue);
    const { id } = await queue.add(look, {});
    await waitFor(async () => (await opened.find(id)).reason === "snooze", { describe: "its snooze" });

    await queue.transaction((scope) => wakeJob(scope, id));

    const ended = await queue.waitForEnd(id, { timeoutMs: 20_000 });
    expect([ended?.state, looks]).toEqual(["succeeded", 2]);
  });

  it("is left where it waits for something else", async () => {
    const queue = opened.createQueue([], { tasks: [look] });
    const { id } = await queue.add(look, {}, { delayMs: hour });

    await queue.transaction((scope) => wakeJob(scope, id));

    expect((await opened.find(id)).run_at.getTime()).toBeGreaterThan(Date.now() + hour / 2);
  });
});
