import { sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import { enqueueAlone, prepareJob } from "../../src/jobs/enqueue.ts";
import { claimWithLimits } from "../../src/limits/claim-with-limits.ts";
import { releaseParked } from "../../src/limits/release-parked.ts";
import { openSystem, partsOf, takeSnapshot } from "./system.ts";
import type { QueueSystem } from "./system.ts";
import { definitions, durations, jobId, limitedQueue, workers } from "./world.ts";

/** What the model test found by chance, as the short story that it was made of, so that it stays found. */

let system: QueueSystem;

beforeAll(async () => {
  system = await openSystem();
});
afterAll(() => system.close());

it("leaves jobs that come out of a line together in the order in which they stood", async () => {
  const { queryable } = system.database;
  const task = definitions["model.keyed"];
  const ids = [1, 2, 3, 4].map(jobId);
  const prepared = ids.map((id) => prepareJob(task, { value: 0, key: "x" }, { id }));
  await enqueueAlone(system.database, partsOf(system), prepared);
  await claimWithLimits(system.database, {
    queue: limitedQueue,
    taskKeys: ["model.keyed@1"],
    limit: 4,
    lookAhead: 4,
    worker: workers[0]!,
    leaseMs: durations.leaseMs,
    choice: "best",
    limitsOf: () => task,
    lines: { after: "" },
  });
  // The rows come in the order in which they were written last: those behind before those in front.
  for (const [index, fair] of [3, 2, 1].entries()) {
    await sql`UPDATE job SET fair = ${fair} WHERE id = ${ids[index + 1]}`.execute(queryable);
  }

  await releaseParked(partsOf(system), { limitsOf: () => ({}), queueOf: () => undefined });

  const { jobs } = await takeSnapshot(system);
  expect(jobs.map(({ state, fair }) => `${state} ${fair}`)).toEqual([
    "running 0",
    "queued 2",
    "queued 1",
    "queued 0",
  ]);
});
