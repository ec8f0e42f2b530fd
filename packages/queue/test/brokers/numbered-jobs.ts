/** Jobs that only say that they ran, and workers that find them by hints. */
import type { Database } from "@millrace/database";
import { silentLogger, sleep } from "@millrace/kernel";
import { expect } from "vitest";
import { z } from "zod";
import { defineTask, handleTask, Queue } from "../../src/index.ts";
import type { Broker, QueueWorker, Task } from "../../src/index.ts";
import { queueName, quiet } from "./broker-scene.ts";

const hourMs = 3_600_000;

type NumberedTask = Task<{ nth: number }, null>;
type Process = { readonly broker: Broker; readonly database: Database };

/** In a queue of its own. */
export function numberedTask(): NumberedTask {
  return defineTask({
    name: "tests.be_hinted",
    queue: queueName(),
    input: z.object({ nth: z.number() }),
    output: z.null(),
  });
}

export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, nth) => nth);
}

export function queueOf(
  { broker, database }: Process,
  parts: Partial<Pick<ConstructorParameters<typeof Queue>[0], "handlers" | "tasks">>,
): Queue {
  return new Queue({ database, broker, logger: silentLogger, handlers: [], ...parts });
}

/** A worker that finds nothing by polling unless told how often. Gives which jobs it ran, in order. */
export async function startNumberWorker(
  process: Process,
  task: NumberedTask,
  {
    during = () => sleep(5),
    ...options
  }: {
    readonly concurrency?: number;
    readonly pollMs?: number;
    /** What a job waits for after it has said that it ran. Default: 5 ms. */
    readonly during?: () => Promise<void>;
  } = {},
): Promise<{ readonly ran: number[]; readonly worker: QueueWorker }> {
  const ran: number[] = [];
  const run = async ({ input }: { readonly input: { readonly nth: number } }): Promise<null> => {
    ran.push(input.nth);
    await during();
    return null;
  };
  const worker = queueOf(process, { handlers: [handleTask({ task, run })] }).createWorker({
    name: "w",
    concurrency: 4,
    leaseMs: hourMs,
    beatMs: hourMs,
    pollMs: hourMs,
    drainMs: 50,
    ...options,
  });
  await worker.start();
  await expect.poll(() => process.broker.status().isHearing).toBe(true);
  // It looks when it starts and when it begins to hear, and must not find by that what comes later.
  await quiet();
  return { ran, worker };
}
