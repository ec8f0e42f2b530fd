import type { Database } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { requestConcurrency, requestState } from "../src/control/worker-requests.ts";
import { forgetWorkers } from "../src/worker/forget-workers.ts";
import { toWorker } from "../src/worker/worker-json.ts";
import { beatWorker, listWorkers, registerWorker, unregisterWorker } from "../src/worker/worker-row.ts";
import type { WorkerFigures } from "../src/worker/worker-row.ts";

const figures: WorkerFigures = {
  state: "running",
  concurrency: 10,
  running: 3,
  processed: 120,
  failed: 7,
  rssBytes: 5_000_000_000,
  loopDelayMs: 1.5,
  broker: { kind: "memory", isHearing: true, isTelling: true },
  isUpkeepTurning: true,
};

describe.each(testDatabases())("workers on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  afterAll(() => opened.close());
  afterEach(() => sql`DELETE FROM worker`.execute(database.queryable));

  const register = async (name = "w"): Promise<string> => {
    const id = newId();
    const worker = { id, name, queues: ["tests"], concurrency: 10, tasks: ["a.b@1"], version: "1.2.3" };
    await registerWorker(database, worker);
    return id;
  };

  const silence = (id: string, minutes: number) =>
    sql`UPDATE worker SET beat_at = now() - ${minutes}::integer * interval '1 minute' WHERE id = ${id}`.execute(
      database.queryable,
    );

  it("say who they are", async () => {
    const id = await register("one");

    const [worker] = await listWorkers(database.queryable);

    expect(worker).toMatchObject({
      id,
      name: "one",
      pid: process.pid,
      version: "1.2.3",
      queues: ["tests"],
      tasks: ["a.b@1"],
      state: "running",
      is_live: true,
      stopped_at: null,
    });
    expect(worker?.host).not.toBe("");
  });

  it("say with each beat how their broker stands, and nothing before", async () => {
    const id = await register();
    const shown = async () => (await listWorkers(database.queryable)).map(toWorker)[0]?.broker;
    const before = await shown();

    await beatWorker(database, id, figures);
    const well = await shown();
    const broker = { kind: "redis", isHearing: false, isTelling: true, trouble: "Redis is away." } as const;
    await beatWorker(database, id, { ...figures, broker });

    expect(before).toBeNull();
    expect(well).toEqual({ kind: "memory", degraded: false, trouble: null });
    expect(await shown()).toEqual({ kind: "redis", degraded: true, trouble: "Redis is away." });
  });

  it("say with each beat how they are, and hear that nothing is asked of them", async () => {
    const id = await register();
    await silence(id, 5);

    const wishes = await beatWorker(database, id, { ...figures, state: "draining", concurrency: 4 });

    expect(wishes).toMatchObject({ wanted_state: null, wanted_concurrency: null });
    expect(await listWorkers(database.queryable)).toMatchObject([
      {
        id,
        is_live: true,
        state: "draining",
        concurrency: 4,
        running: 3,
        processed: 120,
        failed: 7,
        rss_bytes: 5_000_000_000,
        loop_delay_ms: 1.5,
      },
    ]);
  });

  it("learn with a beat that they were forgotten", async () => {
    expect(await beatWorker(database, newId(), figures)).toBeUndefined();
  });

  it("hear with the next beat what is asked of them, by their id", async () => {
    const [asked, other] = [await register(), await register()];

    expect(await requestState(database, asked, "draining")).toEqual([asked]);
    expect(await requestConcurrency(database, asked, 25)).toEqual([asked]);

    expect(await beatWorker(database, asked, figures)).toMatchObject({
      wanted_state: "draining",
      wanted_concurrency: 25,
    });
    expect(await beatWorker(database, other, figures)).toMatchObject({
      wanted_state: null,
      wanted_concurrency: null,
    });
  });

  it("are all asked when they share a name, the last wish counting", async () => {
    const ids = [await register("same"), await register("same")];
    await register("another");

    await requestState(database, "same", "draining");
    const asked = await requestState(database, "same", "stopped");

    expect(asked.toSorted()).toEqual(ids.toSorted());
    const listed = await listWorkers(database.queryable);
    expect(listed.map(({ name, wanted_state }) => `${name}: ${wanted_state}`).toSorted()).toEqual([
      "another: null",
      "same: stopped",
      "same: stopped",
    ]);
  });

  it("can't be asked when none of that name or id lives", async () => {
    const [stopped, silent] = [await register("stopped"), await register("silent")];
    await unregisterWorker(database, stopped);
    await silence(silent, 5);

    for (const worker of [stopped, "stopped", silent, "silent", "never", newId()]) {
      await expect(requestState(database, worker, "draining")).rejects.toMatchObject({
        code: "worker_not_found",
      });
    }
  });

  it.each([0, -1, 2.5])("can't run %d jobs at once", async (concurrency) => {
    const id = await register();

    await expect(requestConcurrency(database, id, concurrency)).rejects.toMatchObject({
      code: "invalid_limit",
    });
  });

  it("are listed with those that went, the living first", async () => {
    const [stopped, silent, live] = [
      await register("stopped"),
      await register("silent"),
      await register("live"),
    ];
    await unregisterWorker(database, stopped);
    await silence(silent, 5);

    const listed = await listWorkers(database.queryable);

    expect(listed.map(({ id, is_live, state }) => [id, is_live, state])).toEqual([
      [live, true, "running"],
      [stopped, false, "stopped"],
      [silent, false, "running"],
    ]);
    expect(listed[1]?.stopped_at).not.toBeNull();
  });

  it("are there again when they register once more, with what was asked of them", async () => {
    const id = await register();
    await requestState(database, id, "draining");
    await unregisterWorker(database, id);

    await registerWorker(database, { id, name: "w", queues: ["tests"], concurrency: 3, tasks: ["a.b@1"] });

    expect(await listWorkers(database.queryable)).toMatchObject([
      { id, is_live: true, state: "running", stopped_at: null, concurrency: 3, wanted_state: "draining" },
    ]);
  });

  it("are forgotten when they are gone, and only then", async () => {
    const [stopped, silent, live] = [
      await register("same"),
      await register("silent"),
      await register("same"),
    ];
    await unregisterWorker(database, stopped);
    await silence(silent, 5);

    expect(await forgetWorkers(database, "same")).toEqual([stopped]);
    expect(await forgetWorkers(database, silent)).toEqual([silent]);
    await expect(forgetWorkers(database, live)).rejects.toMatchObject({ code: "worker_is_live" });
    await expect(forgetWorkers(database, stopped)).rejects.toMatchObject({ code: "worker_not_found" });
    expect((await listWorkers(database.queryable)).map(({ id }) => id)).toEqual([live]);
  });

  it("are shown as stopping when they were asked to, and as silent when they were not heard of", async () => {
    const [asked, silent, stopped] = [await register("a"), await register("b"), await register("c")];
    await requestState(database, asked, "stopped");
    await silence(silent, 5);
    await unregisterWorker(database, stopped);

    const shown = (await listWorkers(database.queryable)).map(toWorker);

    const states = Object.fromEntries(shown.map(({ id, display_state }) => [id, display_state]));
    expect(states).toEqual({ [asked]: "stopping", [silent]: "silent", [stopped]: "stopped" });
  });
});
