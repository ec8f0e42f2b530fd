import type { Database } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { openTestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { countWorkers } from "../src/observe/count-workers.ts";

let database: Database;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(() => sql`DELETE FROM worker`.execute(database.queryable));

async function addWorker(
  worker: { state?: "running" | "draining" | "stopped"; silentSeconds?: number; isStopped?: boolean } = {},
): Promise<void> {
  const { state = "running", silentSeconds = 0, isStopped = false } = worker;
  await sql`
    INSERT INTO worker (id, name, queues, concurrency, tasks, state, beat_at, stopped_at)
    VALUES (${newId()}, 'w', '{}', 1, '{}', ${state},
            now() - ${silentSeconds}::double precision * interval '1 second',
            CASE WHEN ${isStopped} THEN now() END)`.execute(database.queryable);
}

describe("the count of workers", () => {
  it("tells those that run from those that drain", async () => {
    await addWorker();
    await addWorker();
    await addWorker({ state: "draining" });

    const counts = await countWorkers(database, 60_000);

    expect(counts.toSorted((left, right) => left.count - right.count)).toEqual([
      { state: "draining", count: 1 },
      { state: "running", count: 2 },
    ]);
  });

  it("calls one silent that was not heard of in time, whatever it did before", async () => {
    await addWorker({ silentSeconds: 3600 });
    await addWorker({ state: "draining", silentSeconds: 3600 });

    expect(await countWorkers(database, 60_000)).toEqual([{ state: "silent", count: 2 }]);
  });

  it("leaves out those that have stopped", async () => {
    await addWorker({ state: "stopped" });
    await addWorker({ isStopped: true });

    expect(await countWorkers(database, 60_000)).toEqual([]);
  });
});
