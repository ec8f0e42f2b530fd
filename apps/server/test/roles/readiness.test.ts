import { silentLogger } from "@millrace/kernel";
import { createModels } from "@millrace/models";
import { createMemoryBroker, Queue } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createReadiness } from "../../src/roles/readiness.ts";
import { readSettings } from "../../src/settings.ts";

it("says nothing of hints where there is only one process", async () => {
  const opened = await testDatabases()
    .find(({ name }) => name === "embedded")!
    .open();
  const { database } = opened;
  const queue = new Queue({ database, logger: silentLogger, handlers: [] });
  const worker = queue.createWorker({
    name: "w",
    concurrency: 1,
    queues: ["tests"],
    leaseMs: 20_000,
    beatMs: 5_000,
    pollMs: 2_000,
    drainMs: 0,
  });

  const { checks, warnings } = await createReadiness({ database, worker, broker: createMemoryBroker() })();
  await opened.close();

  expect(Object.keys(checks)).toEqual(["database", "schema", "worker"]);
  expect(warnings).toEqual([]);
});

describe("a database that can be read and not written", () => {
  let opened: TestDatabase;
  beforeEach(async () => {
    opened = await testDatabases()
      .find(({ name }) => name === "embedded")!
      .open();
  });
  afterEach(async () => await opened.close());

  const look = () => createReadiness({ database: opened.database, broker: createMemoryBroker() })();

  it("is not ready while it is read-only, and ready afterwards", async () => {
    const { queryable } = opened.database;
    await sql`SET default_transaction_read_only = on`.execute(queryable);
    const during = await look();
    await sql`SET default_transaction_read_only = off`.execute(queryable);

    expect([during.ready, during.checks.database?.ok]).toEqual([false, false]);
    expect((await look()).ready).toBe(true);
  });

  it("is not ready after it had no room for a statement", async () => {
    const full = sql`DO $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$`;
    await expect(full.execute(opened.database.queryable)).rejects.toThrow("no room");

    const { ready, checks } = await look();

    expect(ready).toBe(false);
    expect(checks.database).toEqual({
      ok: false,
      detail: expect.stringContaining("no room left on its disk"),
    });
  });
});

it("says which model is left alone, and is ready all the same", async () => {
  const opened = await testDatabases()
    .find(({ name }) => name === "embedded")!
    .open();
  const gone = { CHAT_URL: "http://127.0.0.1:9/v1", CHAT_MODEL: "gone" };
  const models = createModels({ settings: readSettings(gone), logger: silentLogger });
  const asked = { purpose: "test", instructions: "Answer.", text: "A question." };
  for (let count = 0; count < 5; count += 1) await models.generateText(asked).catch(() => undefined);

  const { database } = opened;
  const readiness = await createReadiness({ database, broker: createMemoryBroker(), models })();
  await opened.close();
  await models.stop();

  expect(readiness.ready).toBe(true);
  expect(readiness.checks.models?.ok).toBe(false);
  expect(readiness.warnings.join()).toContain("openai-compatible:gone");
});
