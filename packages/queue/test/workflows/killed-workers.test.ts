import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockFolder, openEmbedded } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { prepareDatabase, waitFor } from "@millrace/testing";
import { afterEach, beforeEach, expect, it } from "vitest";
import { handleTask, Queue } from "../../src/index.ts";
import { findQueueProblems } from "../../src/integrity/find-problems.ts";
import { body, chordOf, member } from "./chord-tasks.ts";
import { KilledWorkers } from "./killed-workers.ts";

const members = 300;
const handlers = [
  handleTask({ task: member, run: async ({ input }) => input }),
  handleTask({
    task: body,
    run: async ({ input }) => ({ count: input.length, sum: input.reduce((all, one) => all + one, 0) }),
  }),
];

let root = "";
let workers: KilledWorkers | undefined;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "millrace-chord-"));
});
afterEach(async () => {
  await workers?.stop();
  await rm(root, { recursive: true, force: true });
});

it("a chord in the embedded database goes on after each kill of its only process, and runs its body once", async () => {
  const folder = join(root, "data");
  await prepareDatabase(folder);
  const first = await openEmbedded(folder);
  const started = await new Queue({ database: first, logger: silentLogger, handlers }).workflows.start(
    chordOf(members),
  );
  await first.close();
  workers = new KilledWorkers(["folder", folder], 20_261_122);

  workers.start(1, 3);
  await waitFor(() => (workers?.deaths ?? 0) >= 3, { describe: "three deaths", timeoutMs: 120_000 });
  await workers.stop();

  const lock = lockFolder(folder);
  const database = await openEmbedded(folder);
  const queue = new Queue({ database, logger: silentLogger, handlers });
  await queue.takeBackAll();
  const worker = queue.createWorker({ name: "last", concurrency: 20, pollMs: 50 });
  await worker.start();
  expect(await queue.workflows.waitForEnd(started.id, { timeoutMs: 120_000 })).toMatchObject({
    state: "succeeded",
    ended_jobs: members + 1,
  });
  expect(await queue.workflows.result(started)).toEqual({
    count: members,
    sum: (members * (members - 1)) / 2,
  });
  expect(await findQueueProblems(database.queryable)).toEqual([]);
  await worker.stop();
  await database.close();
  lock.release();
}, 300_000);
