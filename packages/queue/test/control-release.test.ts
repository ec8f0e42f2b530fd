import type { Database } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createMemoryBroker } from "../src/brokers/memory-broker.ts";
import { QueueControl } from "../src/control/queue-control.ts";
import { EventBus } from "../src/events/event-bus.ts";
import { finishAttempt } from "../src/jobs/finish-attempt.ts";
import { findJobs } from "../src/index.ts";
import type { Hint } from "../src/index.ts";
import { TaskRegistry } from "../src/tasks/task-registry.ts";
import { withWriteScope } from "../src/write-scope.ts";
import { clearJobs, statesOf, writeJobs } from "./control-jobs.ts";

describe.each(testDatabases())("a job that is taken from its worker on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;
  const announced: string[] = [];
  const released: unknown[] = [];

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());
  afterEach(async () => {
    announced.length = 0;
    released.length = 0;
    await clearJobs(database.queryable);
  });

  const parts = () => ({
    database,
    bus: new EventBus(silentLogger),
    broker: { ...createMemoryBroker(), announce: ({ queue }: Hint) => void announced.push(queue) },
    registry: new TaskRegistry([]),
  });

  const createControl = () =>
    new QueueControl({
      ...parts(),
      onSignal: () => undefined,
      onCancelRequested: () => undefined,
      onReleased: (held) => void released.push(held),
    });

  it("is queued again at once, its attempt not counted, with who did it in its history", async () => {
    const [id] = await writeJobs(database.queryable, { state: "running" });
    await sql`UPDATE job SET attempt = 2 WHERE id = ${id}`.execute(database.queryable);

    await createControl().forceRelease(id!, { by: "ann" });

    expect(await findJobs(database.queryable, [id!])).toMatchObject([{ state: "queued", attempt: 1 }]);
    const attempts = await sql`
      SELECT fence, attempt, outcome, error_code, error_message FROM job_attempt WHERE job_id = ${id}`.execute(
      database.queryable,
    );
    expect(attempts.rows).toEqual([
      {
        fence: 1,
        attempt: 2,
        outcome: "handed_back",
        error_code: "force_released",
        error_message: "Taken from its worker by ann.",
      },
    ]);
  });

  it("tells a worker to look, and the one that had it to stop", async () => {
    const [id] = await writeJobs(database.queryable, { state: "running" });

    await createControl().forceRelease(id!, { by: "ann" });

    expect(announced).toEqual(["tests"]);
    expect(released).toEqual([{ id, fence: 1 }]);
  });

  it("can't be ended by the worker that had it", async () => {
    const [id] = await writeJobs(database.queryable, { state: "running" });
    await createControl().forceRelease(id!, { by: "ann" });

    const hasEnded = await withWriteScope(
      database,
      (scope) =>
        finishAttempt(
          scope,
          parts(),
          { id: id!, fence: 1 },
          {
            end: { outcome: "succeeded", output: {} },
            writeFirst: () => Promise.resolve(),
            skipsHook: false,
          },
        ),
      "finish_attempt",
    );

    expect(hasEnded).toBe(false);
    expect(await statesOf(database.queryable, [id!])).toEqual(["queued"]);
  });

  it("ends as cancelled when that was asked for", async () => {
    const [id] = await writeJobs(database.queryable, { state: "running" });
    await sql`UPDATE job SET cancel_requested_at = now() WHERE id = ${id}`.execute(database.queryable);

    await createControl().forceRelease(id!, { by: "ann" });

    expect(await statesOf(database.queryable, [id!])).toEqual(["cancelled"]);
  });

  it("must be running", async () => {
    const [id] = await writeJobs(database.queryable);

    await expect(createControl().forceRelease(id!, { by: "ann" })).rejects.toMatchObject({
      code: "job_not_running",
    });
    await expect(createControl().forceRelease(newId(), { by: "ann" })).rejects.toMatchObject({
      code: "job_not_found",
    });
  });
});
