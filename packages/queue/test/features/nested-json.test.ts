import { testDatabases } from "@millrace/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleTask } from "../../src/index.ts";
import type { Queue } from "../../src/index.ts";
import { useQueue } from "./use-queue.ts";

const maxLevels = 1_000;

const echo = defineTask({
  name: "tests.echo",
  queue: "tests",
  input: z.unknown(),
  output: z.unknown(),
  backoff: { firstSeconds: 0, factor: 1, capSeconds: 0 },
});

function nest(levels: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < levels; level++) value = [value];
  return value;
}

/** More than the embedded database could give back, and more than can be written as JSON at all. */
const tooDeep: readonly [string, unknown][] = [
  ["a level more than there may be", nest(maxLevels + 1)],
  ["100,000 levels", nest(100_000)],
];

describe.each(testDatabases())("deeply nested JSON on $name", (kind) => {
  const opened = useQueue(kind);

  const echoing = (): Queue =>
    opened.createQueue([handleTask({ task: echo, run: async ({ input }) => input })]);

  it(`goes through a job at ${maxLevels} levels`, async () => {
    const queue = echoing();
    await opened.startWorker(queue);

    const output = await queue.call(echo, nest(maxLevels), { timeoutMs: 30_000 });

    expect(JSON.stringify(output)).toHaveLength(2 * maxLevels);
  });

  it.each(tooDeep)("is refused as an input: %s", async (_name, input) => {
    await expect(echoing().add(echo, input)).rejects.toMatchObject({ code: "json_too_deep" });
  });

  it("is refused as meta, without harm to what is added beside it", async () => {
    const queue = echoing();

    const [deep, flat] = await Promise.allSettled([
      queue.add(echo, 1, { meta: { value: nest(maxLevels) } }),
      queue.add(echo, 2, { meta: { value: nest(maxLevels - 1) } }),
    ]);

    expect(deep).toMatchObject({ status: "rejected", reason: { code: "json_too_deep" } });
    expect(flat).toMatchObject({ status: "fulfilled", value: { state: "queued" } });
  });

  it.each(tooDeep)("fails a job that gives it, at once: %s", async (_name, output) => {
    const queue = opened.createQueue([handleTask({ task: echo, run: async () => output })]);
    await opened.startWorker(queue);

    const { id } = await queue.add(echo, 1);

    await expect
      .poll(() => opened.find(id))
      .toMatchObject({ state: "failed", error_code: "json_too_deep", attempt: 1 });
  });

  it("fails a job whose step gives it", async () => {
    const queue = opened.createQueue([
      handleTask({ task: echo, run: ({ step }) => step("deep", async () => nest(maxLevels + 1)) }),
    ]);
    await opened.startWorker(queue);

    const { id } = await queue.add(echo, 1);

    await expect
      .poll(() => opened.find(id))
      .toMatchObject({ state: "failed", error_code: "json_too_deep", attempt: 1 });
  });

  it("is refused as meta of a job that runs", async () => {
    const queue = opened.createQueue([
      handleTask({
        task: echo,
        run: async ({ setMeta }) => {
          await setMeta({ value: nest(maxLevels) });
          return null;
        },
      }),
    ]);
    await opened.startWorker(queue);

    const { id } = await queue.add(echo, 1);

    await expect
      .poll(() => opened.find(id))
      .toMatchObject({ state: "failed", error_code: "json_too_deep", attempt: 1 });
  });
});
