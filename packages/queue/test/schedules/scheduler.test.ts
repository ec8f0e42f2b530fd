import { testDatabases, waitFor } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createScheduler } from "../../src/schedules/scheduler.ts";
import type { Scheduler } from "../../src/schedules/scheduler.ts";
import { Schedules } from "../../src/schedules/schedules.ts";
import { openScene, report } from "./schedule-scene.ts";
import type { Scene } from "./schedule-scene.ts";

const by = { by: "ann" };
/** Longer than any of these tests lasts. */
const never = 600_000;

describe.each(testDatabases())("a scheduler on $name", (kind) => {
  let scene: Scene;
  /** By the real clock. */
  let schedules: Schedules;
  const started: Scheduler[] = [];

  beforeAll(async () => {
    scene = await openScene(kind);
    const { clock: _, ...parts } = scene.parts;
    schedules = new Schedules({ ...parts, database: scene.database });
  });
  afterAll(() => scene.close());
  beforeEach(() => scene.clear());
  afterEach(async () => {
    for (const scheduler of started.splice(0)) await scheduler.stop();
  });

  const start = async (scheduler: Scheduler): Promise<void> => {
    started.push(scheduler);
    await scheduler.start();
  };
  const soon = (name: string) => ({
    name,
    task: report.name,
    input: { to: "ann" },
    at: new Date(Date.now() + 1_000),
  });
  const untilRun = (name: string) =>
    waitFor(async () => (await schedules.get(name)).totalRuns === 1, { describe: `${name} to run` });

  it("wakes for a schedule that is made in its process while it sleeps", async () => {
    await start(schedules.createScheduler({ pollMs: never }));
    await schedules.create(soon("one"), by);

    await untilRun("one");

    expect(await scene.jobs()).toHaveLength(1);
  });

  it("sees with its polls what others have made", async () => {
    await start(createScheduler({ ...scene.parts, clock: sql`clock_timestamp()` }, { pollMs: 50 }));
    await schedules.create(soon("one"), by);

    await untilRun("one");

    expect(await scene.jobs()).toHaveLength(1);
  });

  it("lets one that fails stand back, and deals with the others", async () => {
    const broken = await schedules.create(soon("broken"), by);
    await schedules.create(soon("other"), by);
    const parts = {
      ...scene.parts,
      clock: sql<Date>`clock_timestamp()`,
      enqueue: (...[scope, jobs]: Parameters<typeof scene.parts.enqueue>) => {
        if (jobs.some(({ meta }) => meta.includes(broken.id))) throw new Error("not this one");
        return scene.parts.enqueue(scope, jobs);
      },
    };
    await start(createScheduler(parts, { pollMs: 50 }));

    await untilRun("other");

    expect(await schedules.get("broken")).toMatchObject({ totalRuns: 0, state: "active" });
  });

  it("brings back at its start what rests until a wrong future", async () => {
    const { id, nextAt } = await schedules.create({ ...soon("hourly"), at: null, cron: "0 * * * *" }, by);
    await sql`UPDATE schedule SET next_at = '2040-01-01', due_at = '2040-01-01'`.execute(
      scene.database.queryable,
    );
    await start(schedules.createScheduler({ pollMs: 50 }));

    await waitFor(async () => ((await schedules.get(id)).nextAt?.getTime() ?? 0) < Date.UTC(2040, 0), {
      describe: "the next time to be brought back",
    });
    expect((await schedules.get(id)).nextAt?.getTime()).toBeGreaterThanOrEqual(nextAt?.getTime() ?? Infinity);
  });

  it("does nothing after its stop", async () => {
    const scheduler = schedules.createScheduler({ pollMs: 20 });
    await scheduler.start();
    await scheduler.stop();
    await schedules.create(soon("one"), by);
    await sql`UPDATE schedule SET next_at = now(), due_at = now()`.execute(scene.database.queryable);
    scheduler.wake();

    await expect(
      waitFor(async () => (await schedules.get("one")).totalRuns > 0, {
        describe: "nothing",
        timeoutMs: 300,
      }),
    ).rejects.toThrow();
  });
});
