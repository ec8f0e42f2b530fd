import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, handleTask } from "../tasks/task.ts";
import type { JobContext } from "../worker/job-context.ts";
import { HandlerWatch } from "./handler-watch.ts";

const task = defineTask({ name: "tests.do_it", input: z.unknown(), output: z.unknown() });

/** Only what the watch looks at: handlers get the rest as it comes. */
function contextWith(signal: AbortSignal): JobContext<unknown> {
  return { input: null, signal } as unknown as JobContext<unknown>;
}

describe("the watch over what handlers leave behind", () => {
  it("finds nothing after one that ended by itself, well or not", async () => {
    const watch = new HandlerWatch();
    const handler = watch.watched(handleTask({ task, run: () => Promise.reject(new Error("failed")) }));

    await expect(handler.run(contextWith(new AbortController().signal))).rejects.toThrow("failed");

    expect(watch.isClean).toBe(true);
  });

  it("finds one that goes on although nobody waits for it", () => {
    const watch = new HandlerWatch();
    const handler = watch.watched(handleTask({ task, run: () => new Promise(() => undefined) }));

    void handler.run(contextWith(new AbortController().signal));

    expect(watch.isClean).toBe(false);
  });

  it("trusts no process whose handler was told to stop, although it did", async () => {
    const watch = new HandlerWatch();
    const handler = watch.watched(handleTask({ task, run: () => Promise.resolve("partly") }));

    await handler.run(contextWith(AbortSignal.abort()));

    expect(watch.isClean).toBe(false);
  });
});
