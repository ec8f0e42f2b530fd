import type { Database } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { clearPastPauses, pauseQueue, resumeQueue } from "../src/control/pause.ts";
import { listQueueSettings, setQueueLimit } from "../src/control/queue-settings.ts";
import { claimJobs } from "../src/jobs/claim.ts";
import { clearJobs, writeJobs } from "./control-jobs.ts";

describe.each(testDatabases())("a paused queue on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());
  afterEach(() => clearJobs(database.queryable));

  const claim = async (queue: string): Promise<number> => {
    const { jobs: claimed } = await claimJobs(database, {
      queue,
      taskKeys: ["tests.run_script@1"],
      limit: 1,
      worker: { id: newId(), name: "w" },
      leaseMs: 60_000,
      oldest: 0,
    });
    return claimed.length;
  };

  const letPauseEnd = (queue: string) =>
    sql`UPDATE queue_control SET resume_at = now() - interval '1 second' WHERE queue = ${queue}`.execute(
      database.queryable,
    );

  const inAnHour = () => new Date(Date.now() + 3_600_000);

  it("gives no job until it is resumed", async () => {
    await writeJobs(database.queryable);

    await pauseQueue(database, "tests", { by: "ann" });
    expect(await claim("tests")).toBe(0);
    expect(await resumeQueue(database, "tests", { by: "ben" })).toBe(true);

    expect(await claim("tests")).toBe(1);
  });

  it("keeps to itself", async () => {
    await writeJobs(database.queryable, { queue: "others" });

    await pauseQueue(database, "tests", { by: "ann" });

    expect(await claim("others")).toBe(1);
  });

  it("is every queue when all are paused, and its own resume does not open it", async () => {
    await writeJobs(database.queryable);

    await pauseQueue(database, "*", { by: "ann" });
    expect(await claim("tests")).toBe(0);
    expect(await resumeQueue(database, "tests", { by: "ann" })).toBe(false);
    expect(await claim("tests")).toBe(0);
    await resumeQueue(database, "*", { by: "ann" });

    expect(await claim("tests")).toBe(1);
  });

  it("goes on by itself when its time has come, whether or not that was cleared", async () => {
    await writeJobs(database.queryable, { count: 2 });
    await pauseQueue(database, "tests", { by: "ann", until: inAnHour() });
    expect(await claim("tests")).toBe(0);

    await letPauseEnd("tests");

    expect(await claim("tests")).toBe(1);
    expect(await listQueueSettings(database.queryable)).toMatchObject([
      { queue: "tests", is_paused: false, paused_at: null, paused_by: null, resume_at: null },
    ]);
    expect(await clearPastPauses(database)).toEqual(["tests"]);
    expect(await clearPastPauses(database)).toEqual([]);
    expect(await claim("tests")).toBe(1);
  });

  it("is not opened by the upkeep before its time", async () => {
    await writeJobs(database.queryable);
    await pauseQueue(database, "tests", { by: "ann", until: inAnHour() });

    expect(await clearPastPauses(database)).toEqual([]);

    expect(await claim("tests")).toBe(0);
  });

  it("says who paused it, why and until when", async () => {
    const until = inAnHour();
    await pauseQueue(database, "tests", { by: "ann", reason: "the provider is away", until });

    const [settings] = await listQueueSettings(database.queryable);

    expect(settings).toMatchObject({
      queue: "tests",
      is_paused: true,
      paused_by: "ann",
      pause_reason: "the provider is away",
      resume_at: until,
      updated_by: "ann",
    });
  });

  it("says since when it has been paused, and who said so last, when it is paused again", async () => {
    await pauseQueue(database, "tests", { by: "ann", reason: "first", until: inAnHour() });
    const [first] = await listQueueSettings(database.queryable);

    await pauseQueue(database, "tests", { by: "ben" });

    const [second] = await listQueueSettings(database.queryable);
    expect(second).toMatchObject({
      paused_at: first?.paused_at,
      paused_by: "ben",
      pause_reason: null,
      resume_at: null,
    });
  });

  it("begins anew when its former pause was over", async () => {
    await pauseQueue(database, "tests", { by: "ann", until: inAnHour() });
    await sql`UPDATE queue_control SET paused_at = now() - interval '2 hours'`.execute(database.queryable);
    await letPauseEnd("tests");

    await pauseQueue(database, "tests", { by: "ann" });

    const [settings] = await listQueueSettings(database.queryable);
    expect(settings?.paused_at?.getTime()).toBe(settings?.updated_at.getTime());
  });

  it("keeps its limit", async () => {
    await setQueueLimit(database, "tests", { maxRunning: 3, by: "ann" });

    await pauseQueue(database, "tests", { by: "ben" });
    await resumeQueue(database, "tests", { by: "ben" });

    expect(await listQueueSettings(database.queryable)).toMatchObject([
      { queue: "tests", max_running: 3, is_paused: false, updated_by: "ben" },
    ]);
  });

  it("can't be paused until a time that is over", async () => {
    await expect(pauseQueue(database, "tests", { by: "ann", until: new Date(0) })).rejects.toMatchObject({
      code: "pause_is_over",
    });

    expect(await listQueueSettings(database.queryable)).toEqual([]);
  });

  it.each(["", "Tests", "a-b", "*x"])("can't be called %j", async (queue) => {
    const refused = { code: "invalid_queue_name" };
    await expect(pauseQueue(database, queue, { by: "ann" })).rejects.toMatchObject(refused);
    await expect(resumeQueue(database, queue, { by: "ann" })).rejects.toMatchObject(refused);
  });
});
