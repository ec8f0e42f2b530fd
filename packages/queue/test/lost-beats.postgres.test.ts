import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { newId, silentLogger } from "@millrace/kernel";
import { startFaultProxy, testDatabases } from "@millrace/testing";
import type { FaultProxy } from "@millrace/testing";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { defineTask, handleTask } from "../src/index.ts";
import type { Queue } from "../src/index.ts";
import { createThreadedHeartbeat } from "../src/worker/threaded-heartbeat.ts";
import { useQueue } from "./features/use-queue.ts";

const task = defineTask({
  name: "tests.wait_long",
  queue: "tests",
  input: z.object({ ms: z.number() }),
  output: z.null(),
});

/** Given up after half of it. */
const leaseMs = 4_000;

describe.each(testDatabases().filter(({ name }) => name !== "embedded"))(
  "a worker whose beats do not land on $name",
  (kind) => {
    const opened = useQueue(kind);
    let proxy: FaultProxy;
    const begun: number[] = [];
    const stopped: unknown[] = [];

    beforeEach(async () => {
      proxy = await startFaultProxy({ target: opened.url ?? "" });
    });
    afterEach(() => proxy.stop());

    const createQueue = (): Queue =>
      opened.createQueue([
        handleTask({
          task,
          run: async ({ input: { ms }, signal }) => {
            begun.push(ms);
            await delay(ms, undefined, { signal }).catch((error: unknown) => {
              stopped.push(signal.reason);
              throw error;
            });
            return null;
          },
        }),
      ]);

    it("gives up what it runs, takes nothing more and says so, until one lands", async () => {
      const queue = createQueue();
      const heartbeatUrl = proxy.through(opened.url ?? "");
      const worker = await opened.startWorker(queue, { leaseMs, beatMs: 500, heartbeatUrl });
      await queue.add(task, { ms: 60_000 });
      await expect.poll(() => begun).toEqual([60_000]);

      proxy.refuse();

      await expect.poll(() => stopped.length).toBe(1);
      await expect.poll(() => worker.doesBeat).toBe(false);
      const held = begun.length;
      const later = await queue.add(task, { ms: 1 });
      await delay(1_000);
      expect(begun.length).toBe(held);

      proxy.restore();

      await expect.poll(() => worker.doesBeat).toBe(true);
      expect(await queue.waitForEnd(later.id, { timeoutMs: 20_000 })).toMatchObject({ state: "succeeded" });
    });

    it("gives up what it holds while no thread beats, and trusts one again whose beat lands", async () => {
      const block = join(await mkdtemp(join(tmpdir(), "heartbeat-")), "block");
      await writeFile(block, "");
      vi.stubEnv("BLOCKED_HEARTBEAT", block);
      const heartbeat = createThreadedHeartbeat({
        settings: { url: opened.url ?? "", leaseMs, beatMs: 500 },
        logger: silentLogger,
        threadUrl: new URL("./blocked-heartbeat-thread.ts", import.meta.url),
      });
      onTestFinished(() => heartbeat.stop());
      const lost: unknown[] = [];
      const job = { id: newId(), fence: 1 };
      heartbeat.listen({
        onLost: (held) => {
          lost.push(held);
          heartbeat.release(job);
        },
        onCancelRequested: () => undefined,
      });
      await heartbeat.start();

      heartbeat.hold([job], 0);

      await expect.poll(() => lost).toEqual([job]);
      expect(heartbeat.doesLand).toBe(false);
      await rm(block);
      await expect.poll(() => heartbeat.doesLand).toBe(true);
    });
  },
);
