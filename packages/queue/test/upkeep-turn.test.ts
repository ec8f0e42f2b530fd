import { newId } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { beatWorker, registerWorker, unregisterWorker } from "../src/worker/worker-row.ts";

describe.each(testDatabases())("the worker that does for all what one does, on $name", (kind) => {
  let opened: TestDatabase;
  beforeAll(async () => {
    opened = await kind.open();
  });
  afterAll(() => opened.close());
  beforeEach(() => sql`DELETE FROM worker`.execute(opened.database.queryable));

  const add = async (tasks: readonly string[] = ["mail.send@1"]): Promise<string> => {
    const id = newId();
    await registerWorker(opened.database, { id, name: "w", queues: ["mail"], concurrency: 1, tasks });
    return id;
  };
  const isEldest = async (id: string, isUpkeepTurning = true): Promise<boolean | undefined> => {
    const answer = await beatWorker(opened.database, id, {
      state: "running",
      concurrency: 1,
      running: 0,
      processed: 0,
      failed: 0,
      rssBytes: 0,
      loopDelayMs: 0,
      broker: { kind: "memory", isHearing: true, isTelling: true },
      isUpkeepTurning,
    });
    return answer?.is_eldest;
  };

  it("is the first that came", async () => {
    const [first, second] = [await add(), await add()];

    expect([await isEldest(first), await isEldest(second)]).toEqual([true, false]);
  });

  it("is the next when the first has stopped", async () => {
    const [first, second] = [await add(), await add()];

    await unregisterWorker(opened.database, first);

    expect(await isEldest(second)).toBe(true);
  });

  it("is the next when the first is silent, or its upkeep is stuck", async () => {
    const [first, second] = [await add(), await add()];
    await sql`UPDATE worker SET upkeep_at = now() - interval '6 seconds' WHERE id = ${first}`.execute(
      opened.database.queryable,
    );

    await isEldest(first, false);

    expect(await isEldest(second)).toBe(true);
    await isEldest(first);
    expect(await isEldest(second)).toBe(false);
  });

  it("is one for each set of tasks: a new version does not leave its own to an old one", async () => {
    const [old, fresh] = [await add(), await add(["mail.send@1", "mail.send@2"])];

    expect([await isEldest(old), await isEldest(fresh)]).toEqual([true, true]);
  });
});
