import { MillraceError } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { describe, expect, it } from "vitest";
import { sql } from "kysely";
import { z } from "zod";
import { defineTask, handleTask, snooze, toJob } from "../../src/index.ts";
import { useQueue } from "./use-queue.ts";

const task = defineTask({
  name: "tests.put_off",
  queue: "tests",
  input: z.object({ how: z.enum(["error", "snooze"]) }),
  output: z.null(),
  retries: 0,
});

const busy = new MillraceError({
  code: "provider_busy",
  kind: "limited",
  message: "The provider takes no more requests.",
  retryable: true,
  putOffSeconds: 600,
});

const twice = defineTask({
  name: "tests.tried_twice",
  queue: "tests",
  input: z.null(),
  output: z.null(),
  retries: 1,
});

describe.each(testDatabases())("a job that is put off on $name", (kind) => {
  const opened = useQueue(kind);

  const putOff = async (how: "error" | "snooze") => {
    const queue = opened.createQueue([
      handleTask({
        task,
        run: async ({ input }) => {
          throw input.how === "error" ? busy : snooze(600_000, "The same is being made.");
        },
      }),
    ]);
    await opened.startWorker(queue);
    const { id } = await queue.add(task, { how });
    await expect.poll(async () => (await queue.readDetail(id)).attempts[0]?.outcome).toBe("snoozed");
    const { events } = await queue.feed.read(`job:${id}`, 0, 100);
    return {
      ...(await queue.readDetail(id)),
      job: await opened.find(id),
      events: events.filter(({ type }) => type === "job.put_off"),
    };
  };

  it("tells those who follow it why, and for how long", async () => {
    const { job, events } = await putOff("error");

    expect(job).toMatchObject({ state: "scheduled", reason: "snooze", attempt: 0 });
    expect(events).toMatchObject([
      { data: { error: "The provider takes no more requests.", error_code: "provider_busy" } },
    ]);
    expect(events[0]?.data["retry_in_seconds"]).toBeGreaterThanOrEqual(600);
  });

  it("keeps why with the attempt, and is no failure for it", async () => {
    const { job, attempts } = await putOff("error");

    expect(attempts[0]).toMatchObject({
      error_code: "provider_busy",
      error_message: "The provider takes no more requests.",
    });
    expect(job).toMatchObject({ state: "scheduled", error_code: null });
    expect(toJob(job).put_off).toEqual({
      code: "provider_busy",
      message: "The provider takes no more requests.",
      until: job.run_at.toISOString(),
      failed_attempt: null,
    });
  });

  it("says which try failed when it is tried again, and no more once it runs", async () => {
    const queue = opened.createQueue([
      handleTask({
        task: twice,
        run: async ({ job: { attempt } }) => {
          if (attempt === 1)
            throw new MillraceError({
              code: "flaky",
              kind: "unavailable",
              message: "No luck.",
              retryable: true,
            });
          return null;
        },
      }),
    ]);
    await opened.startWorker(queue);

    const { id } = await queue.add(twice, null);

    await expect
      .poll(async () => toJob(await opened.find(id)).put_off)
      .toMatchObject({ code: "flaky", failed_attempt: 1 });
    await sql`UPDATE job SET run_at = now() WHERE id = ${id}`.execute(opened.database.queryable);
    await queue.waitForEnd(id, { timeoutMs: 15_000 });
    expect(toJob(await opened.find(id))).toMatchObject({ state: "succeeded", put_off: null });
  });

  it("keeps what its handler said where that chose the time, and tells nobody", async () => {
    const { attempts, events } = await putOff("snooze");

    expect(attempts[0]).toMatchObject({
      error_code: "snoozed",
      error_message: "The same is being made.",
    });
    expect(events).toEqual([]);
  });
});
