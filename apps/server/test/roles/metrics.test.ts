import { MemoryStore, StoredCache } from "@millrace/cache";
import type { Database } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import { createModels } from "@millrace/models";
import { createMemoryBroker, Queue } from "@millrace/queue";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createUsage } from "@millrace/usage";
import { openTestDatabase } from "@millrace/testing";
import { addMetrics } from "../../src/metrics.ts";
import { readSettings } from "../../src/settings.ts";

let database: Database;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

describe("what /metrics shows", () => {
  it("is the queue, the slots of this process, and the process itself", async () => {
    const queue = new Queue({ database, logger: silentLogger, handlers: [] });
    const times = { leaseMs: 20_000, beatMs: 5_000, pollMs: 2_000, drainMs: 100 };
    const worker = queue.createWorker({ name: "w", concurrency: 7, ...times });
    const broker = createMemoryBroker();
    const cache = new StoredCache({ store: new MemoryStore(), logger: silentLogger });
    const settings = readSettings({ BUDGET_DAY_DOLLARS: "5" });
    const usage = createUsage({ database, cache, settings, logger: silentLogger });
    usage.counts.countCall({
      ...{ id: newId(), origin: { owner: null }, purpose: "a.b", kind: "chat", model: "m:x", prompt: null },
      ...{ outcome: "answered", errorCode: null, cost: 0.25, latencyMs: 1, at: new Date() },
      tokens: { input: 7, output: 3, cachedInput: null },
    });
    usage.counts.countWait("m:x", 1_500);
    const models = createModels({ settings, logger: silentLogger });
    const installation = { database, queue, broker, cache, redis: [], usage, models };
    const registry = addMetrics({ ...installation, worker }, { settings, logger: silentLogger });
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
        'millrace_broker_queues_replaced_total{kind="memory"} 0',
        'millrace_cache_lookups_total{result="hit"} 0',
        'millrace_model_calls_total{purpose="a.b",model="m:x",outcome="answered"} 1',
        'millrace_model_tokens_total{purpose="a.b",model="m:x",outcome="answered",direction="output"} 3',
        'millrace_model_cost_dollars_total{purpose="a.b",model="m:x",outcome="answered"} 0.25',
        'millrace_model_limit_wait_seconds_total{model="m:x"} 1.5',
        "millrace_model_calls_unlisted_total 0",
        'millrace_model_left_alone{model="builtin:extractive-1"} 0',
        'millrace_model_calls_running{model="builtin:extractive-1"} 0',
        'millrace_model_calls_waiting{model="builtin:extractive-1"} 0',
        'millrace_budgets{state="ok"} 1',
        "millrace_budget_used_ratio 0",
        expect.stringMatching(/^process_resident_memory_bytes \d+$/),
      ]),
    );
  });
});
