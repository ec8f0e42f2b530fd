import { migrate, openEmbedded } from "@millrace/database";
import type { Database } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { createMemoryBroker, Queue } from "@millrace/queue";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addMetrics } from "../../src/metrics.ts";

let database: Database;

beforeAll(async () => {
  database = await openEmbedded(null);
  await migrate(database);
});
afterAll(() => database.close());

describe("what /metrics shows", () => {
  it("is the queue, the slots of this process, and the process itself", async () => {
    const queue = new Queue({ database, logger: silentLogger, handlers: [] });
    const times = { leaseMs: 20_000, beatMs: 5_000, pollMs: 2_000, drainMs: 100 };
    const worker = queue.createWorker({ name: "w", concurrency: 7, ...times });
    const broker = createMemoryBroker();
    const registry = addMetrics({ database, queue, broker, worker }, { logger: silentLogger });
    queue.hooks.emit({
      type: "write.refused",
      job: { id: "j", task: "a.b", queue: "a", owner: null, attempt: 1 },
    });

    expect((await registry.metrics()).split("\n")).toEqual(
      expect.arrayContaining([
        'millrace_workers{state="running"} 0',
        "millrace_worker_busy_slots 0",
        "millrace_worker_slots 7",
        "millrace_stale_writes_refused_total 1",
        'millrace_broker_hearing{kind="memory"} 1',
        'millrace_broker_telling{kind="memory"} 1',
        expect.stringMatching(/^process_resident_memory_bytes \d+$/),
      ]),
    );
  });
});
