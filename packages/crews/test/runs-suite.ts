import { localAccess, newId, silentLogger } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import { Queue } from "@millrace/queue";
import type { QueueWorker } from "@millrace/queue";
import type { TestDatabase, TestDatabaseKind } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CrewRuns, defineTool, handleCrewRun, pruneCrewRuns } from "../src/index.ts";
import { crewRunTask } from "../src/runs/crew-run-task.ts";
import { z } from "zod";
import { agent, crewOf, task } from "./crew-of.ts";
import { scriptedRuntime } from "./scripted-runtime.ts";

/** Runs of two owners on one database. */
export function runsSuite(kind: TestDatabaseKind): void {
  let ground: TestDatabase;
  let queue: Queue;
  let runs: CrewRuns;
  let worker: QueueWorker | undefined;
  const ann = localAccess;
  const bob: Access = { workspaceId: newId(), personId: newId() };
  const seenOwners: (string | null)[] = [];
  const whoAmI = defineTool({
    name: "who_am_i",
    description: "Says for whom it works.",
    input: z.object({ owner: z.string().optional() }),
    run: async (_input, { owner }) => {
      seenOwners.push(owner);
      return owner;
    },
  });

  beforeAll(async () => {
    ground = await kind.open();
    const { database } = ground;
    await sql`INSERT INTO workspace (id, name) VALUES (${bob.workspaceId}, 'bob')`.execute(
      database.queryable,
    );
    await sql`INSERT INTO person (id, name) VALUES (${bob.personId}, 'bob')`.execute(database.queryable);
    const crew = crewOf({
      agents: agent("writer", "tools: [who_am_i]"),
      tasks: `${task("a")}${task("b", "agent: writer, output_file: b.txt, human_input: true")}${task("c")}`,
      registries: { tools: { who_am_i: whoAmI } },
    });
    const crews = { crews: [crew], broken: [] };
    const { turn } = scriptedRuntime({
      script: (step) =>
        step === "task/a/turn/1"
          ? { calls: [{ name: "who_am_i", input: { owner: ann.workspaceId } }] }
          : `${step} done`,
    });
    const handler = handleCrewRun({
      crews,
      database: database.background,
      models: { turn },
      charge: async () => undefined,
      permissions: [],
      appendEvents: (scope, events) => queue.appendEvents(scope, events),
    });
    queue = new Queue({ database, logger: silentLogger, handlers: [handler] });
    runs = new CrewRuns({ queue, crews });
  });
  afterAll(() => ground.close());
  afterEach(async () => {
    await worker?.stop();
    worker = undefined;
  });

  const startWorker = async (): Promise<void> => {
    worker = queue.createWorker({
      ...{ name: "w", concurrency: 2, leaseMs: 60_000, beatMs: 20_000, pollMs: 50, drainMs: 50 },
    });
    await worker.start();
  };
  const waiting = (access: Access, id: string) =>
    expect.poll(async () => (await runs.get(access, { id })).waiting_for?.key).toBe("task/b/person/1");
  const finish = async (access: Access, id: string) => {
    await waiting(access, id);
    await runs.answer(access, { id }, { key: "task/b/person/1", answer: "", by: "bob" });
    return await runs.waitForEnd(access, { id }, { timeoutMs: 50_000 });
  };

  describe(`runs of crews, ${kind.name}`, () => {
    it("are there for their owner alone, and so are their files", async () => {
      await startWorker();
      const { run } = await runs.start(bob, "test", {});
      await waiting(bob, run.id);

      const notFound = { code: "crew_run_not_found" };
      const given = { key: "task/b/person/1", answer: "", by: "ann" };
      await expect(runs.get(ann, run)).rejects.toMatchObject(notFound);
      await expect(runs.get(bob, { id: run.id, crew: "other" })).rejects.toMatchObject(notFound);
      await expect(runs.answer(ann, run, given)).rejects.toMatchObject(notFound);
      await expect(runs.cancel(ann, run)).rejects.toMatchObject(notFound);
      await expect(runs.replay(ann, run, "b")).rejects.toMatchObject(notFound);
      expect(await runs.streamOf(ann, run)).toBeUndefined();
      expect(await runs.list(ann, { limit: 10 })).toEqual([]);
      const done = await finish(bob, run.id);
      expect(done).toMatchObject({ state: "succeeded", files: [{ path: "b.txt" }] });
      await expect(runs.file(ann, run, "b.txt")).rejects.toMatchObject(notFound);
      expect(await runs.file(bob, run, "b.txt")).toBe("task/b/turn/1 done");
      expect((await runs.list(bob, { limit: 10 })).map(({ id }) => id)).toEqual([run.id]);
    });

    it("work for the owner of their job, whatever a model says", async () => {
      seenOwners.length = 0;
      await startWorker();
      const { run } = await runs.start(bob, "test", {});

      await finish(bob, run.id);

      expect(seenOwners).toEqual([bob.workspaceId]);
    });

    it("are begun once for a key of their owner", async () => {
      const options = { idempotencyKey: "once" };
      const first = await runs.start(bob, "test", {}, options);

      const again = await runs.start(bob, "test", {}, options);
      const other = await runs.start(ann, "test", {}, options);

      expect([first.isNew, again.isNew, other.isNew]).toEqual([true, false, true]);
      expect(again.run.id).toBe(first.run.id);
      for (const [access, { run }] of [
        [bob, first],
        [ann, other],
      ] as const)
        expect(await runs.cancel(access, run)).toMatchObject({ state: "cancelled" });
    });

    it("are made for jobs that were enqueued without one, as schedules do", async () => {
      await startWorker();
      const { id } = await queue.add(
        crewRunTask,
        { crew: "test", inputs: {}, replay: null },
        { owner: bob.workspaceId },
      );
      await expect.poll(async () => (await runs.list(bob, { limit: 1 }))[0]?.job_id).toBe(id);

      const [run] = await runs.list(bob, { limit: 1 });

      expect(await finish(bob, run!.id)).toMatchObject({ state: "succeeded", job_id: id });
    });

    it("fail at once for an owner who is no workspace", async () => {
      await startWorker();
      const { id } = await queue.add(
        crewRunTask,
        { crew: "test", inputs: {}, replay: null },
        { owner: "nobody" },
      );

      const ended = await queue.waitForEnd(id, { timeoutMs: 50_000 });

      expect(ended).toMatchObject({ state: "failed", error_code: "crew_owner_unknown" });
    });

    it("have the files of the tasks that they take over from another", async () => {
      await startWorker();
      const { run } = await runs.start(bob, "test", {});
      await finish(bob, run.id);

      const again = await runs.replay(bob, run, "c");
      const done = await runs.waitForEnd(bob, again.run, { timeoutMs: 50_000 });

      expect(done).toMatchObject({ state: "succeeded", files: [{ path: "b.txt", task: "b" }] });
      expect(await runs.file(bob, again.run, "b.txt")).toBe("task/b/turn/1 done");
    });

    it("are not begun a second time by their job once they have been deleted", async () => {
      await startWorker();
      const { run } = await runs.start(bob, "test", {});
      await waiting(bob, run.id);
      await runs.cancel(bob, run);
      await pruneCrewRuns(ground.database, { olderThanDays: 0, signal: new AbortController().signal });

      const retried = queue.transaction((scope) => queue.retry(scope, run.job_id));

      await expect(retried).rejects.toMatchObject({ code: "crew_run_deleted", kind: "conflict" });
    });

    it("go with their files when their time has passed, and not before they have ended", async () => {
      const ended = await runs.start(bob, "test", {});
      await runs.cancel(bob, ended.run);
      const open = await runs.start(bob, "test", {});
      await sql`UPDATE crew_run SET finished_at = finished_at - interval '91 days' WHERE id = ${ended.run.id}`.execute(
        ground.database.queryable,
      );

      const options = { olderThanDays: 90, signal: new AbortController().signal };
      const deleted = await pruneCrewRuns(ground.database, options);

      expect(deleted).toBe(1);
      await expect(runs.get(bob, ended.run)).rejects.toMatchObject({ code: "crew_run_not_found" });
      expect((await runs.get(bob, open.run)).state).toBe("queued");
      await runs.cancel(bob, open.run);
    });
  });
}
