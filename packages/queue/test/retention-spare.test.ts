import type { Database } from "@millrace/database";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { defaultRetention, pruneFailedJobs, pruneHistory } from "../src/retention/prune.ts";
import { clearJobs, statesOf, writeJobs } from "./control-jobs.ts";

const day = 24;

describe.each(testDatabases())("failed jobs whose time has passed, on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());
  beforeEach(() => clearJobs(database.queryable));

  const prune = () => pruneHistory(database, { ...defaultRetention, spareDays: 1 });

  it("are left for a day to who cleans them up by a schedule", async () => {
    const [fresh = ""] = await writeJobs(database.queryable, { state: "failed", purgeHoursAgo: day - 1 });
    const [old = ""] = await writeJobs(database.queryable, { state: "failed", purgeHoursAgo: day + 1 });
    const [other = ""] = await writeJobs(database.queryable, { state: "cancelled", purgeHoursAgo: 1 });
    await prune();

    expect(await statesOf(database.queryable, [fresh, old, other])).toEqual(["failed"]);
    expect(await statesOf(database.queryable, [fresh])).toEqual(["failed"]);
  });

  it("are deleted by it, and nothing else is", async () => {
    await writeJobs(database.queryable, { state: "failed", purgeHoursAgo: 1, count: 450 });
    const [cancelled = ""] = await writeJobs(database.queryable, { state: "cancelled", purgeHoursAgo: 1 });
    const [later = ""] = await writeJobs(database.queryable, { state: "failed", purgeHoursAgo: -1 });

    expect(await pruneFailedJobs(database, { olderThanDays: null })).toBe(450);
    expect(await statesOf(database.queryable, [cancelled, later])).toEqual(["cancelled", "failed"]);
  });

  it("are not deleted once it was told to stop", async () => {
    await writeJobs(database.queryable, { state: "failed", purgeHoursAgo: 1 });
    const reason = new Error("stopped");

    await expect(
      pruneFailedJobs(database, { olderThanDays: null, signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
  });
});
