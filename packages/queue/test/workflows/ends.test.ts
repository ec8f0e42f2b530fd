import type { QueryAccess } from "@millrace/database";
import { MillraceError, sleep } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { chain, chord, defineTask, group, handleTask, map, step } from "../../src/index.ts";
import type { AnyTaskHandler, Flow, Queue, StartableFlow, Step, WorkflowOptions } from "../../src/index.ts";
import { findQueueProblems } from "../../src/integrity/find-problems.ts";
import { endJob } from "../../src/jobs/end-job.ts";
import { lockJob } from "../../src/jobs/lock-job.ts";
import type { Ending } from "../../src/jobs/write-end.ts";
import { cancelWorkflow } from "../../src/workflows/cancel-workflow.ts";
import { stopAllMembers, stopMembers } from "../../src/workflows/stop-members.ts";
import { TaskRegistry } from "../../src/tasks/task-registry.ts";
import { createMemoryBroker } from "../../src/brokers/memory-broker.ts";
import { z } from "zod";
import { useQueue } from "../features/use-queue.ts";
import { count, double, keep, plainHandlers, sum } from "./tasks.ts";

const gate = defineTask({
  name: "tests.pass_gate",
  queue: "tests",
  input: z.string(),
  output: z.number(),
  retries: 0,
});
const note = defineTask({
  name: "tests.note",
  queue: "tests",
  input: z.unknown(),
  output: z.null(),
  retries: 0,
});

const broke = (name: string) =>
  new MillraceError({ code: "is_broken", kind: "invalid", message: `${name} is broken` });

describe.each(testDatabases())("a workflow on $name", (kind) => {
  const opened = useQueue(kind);

  /** Jobs of the gate fail, wait to be stopped, or pass, as the test says of their names. */
  const createScene = (broken: ReadonlySet<string>) => {
    const ran: string[] = [];
    const notes: unknown[] = [];
    const handlers: AnyTaskHandler[] = [
      ...plainHandlers,
      handleTask({
        task: gate,
        run: async ({ input, signal }) => {
          ran.push(input);
          if (broken.has(input)) throw broke(input);
          if (input.startsWith("waits")) await sleep(600_000, signal);
          return 1;
        },
      }),
      handleTask({
        task: note,
        run: async ({ input }) => {
          notes.push(input);
          return null;
        },
      }),
    ];
    return { queue: opened.createQueue(handlers), ran, notes };
  };

  const start = async <Output>(
    queue: Queue,
    flow: StartableFlow<Output>,
    options?: WorkflowOptions,
  ): Promise<string> => (await queue.workflows.start(flow, options)).id;
  const partsOf = (queue: Queue) => ({
    bus: queue.bus,
    broker: createMemoryBroker(),
    registry: new TaskRegistry(plainHandlers),
  });
  const ended = (queue: Queue, id: string) => queue.workflows.waitForEnd(id, { timeoutMs: 20_000 });
  const jobStates = async (id: string): Promise<string[]> => {
    const found = await sql<{ state: string }>`
      SELECT job.state FROM workflow_node AS node JOIN job ON job.id = node.job_id
      WHERE node.workflow_id = ${id} ORDER BY node.number`.execute(opened.database.queryable);
    return found.rows.map(({ state }) => state);
  };
  const jobOf = async (id: string, nth: number): Promise<string> => {
    const found = await sql<{ job_id: string }>`
      SELECT job_id FROM workflow_node WHERE workflow_id = ${id} AND job_id IS NOT NULL ORDER BY number`.execute(
      opened.database.queryable,
    );
    return found.rows[nth]?.job_id ?? "";
  };
  const untilState = (id: string, states: readonly string[]): Promise<void> =>
    expect.poll(() => jobStates(id)).toEqual(states);

  describe("one of whose jobs fails", () => {
    it("fails with its error, and what waits for it never runs", async () => {
      const { queue, ran } = createScene(new Set(["a"]));
      await opened.startWorker(queue);
      const id = await start(
        queue,
        chain(step(gate, "a"), step(gate, "b"), group([step(gate, "c"), step(gate, "d")])),
      );

      expect(await ended(queue, id)).toMatchObject({
        state: "failed",
        error_code: "is_broken",
        error_message: expect.stringContaining("a is broken"),
        total_jobs: 4,
        ended_jobs: 4,
        failed_jobs: 4,
      });
      expect(ran).toEqual(["a"]);
      expect(await jobStates(id)).toEqual(["failed", "cancelled", "cancelled", "cancelled"]);
      await expect(queue.workflows.result({ id })).rejects.toMatchObject({ code: "workflow_failed" });
    });

    it("stops the other members of its group", async () => {
      const { queue } = createScene(new Set(["a"]));
      const id = await start(
        queue,
        chord([step(gate, "waits"), step(gate, "a"), step(gate, "b")], step(keep)),
      );
      await opened.startWorker(queue, { concurrency: 2 });

      expect(await ended(queue, id)).toMatchObject({ state: "failed", error_code: "is_broken" });
      const states = await jobStates(id);
      expect(states.slice(0, 2)).toEqual(["cancelled", "failed"]);
      expect(states[3]).toBe("cancelled");
    });

    it("lets the other members end first where it is told to", async () => {
      const { queue, ran } = createScene(new Set(["a"]));
      await opened.startWorker(queue, { concurrency: 1 });
      const flow = group([step(gate, "a"), step(gate, "b"), step(gate, "c")], { policy: "finish" });
      const id = await start(queue, flow);

      expect(await ended(queue, id)).toMatchObject({ state: "failed", failed_jobs: 1 });
      expect(ran.toSorted()).toEqual(["a", "b", "c"]);
    });

    it("is no failure of the whole where outcomes are collected", async () => {
      const { queue } = createScene(new Set(["b"]));
      await opened.startWorker(queue);
      const id = await start(
        queue,
        chain(
          step(keep, ["a", "b"]) as Step<unknown, string[]>,
          map(gate, { policy: "collect" }),
          step(keep),
        ),
      );

      expect(await ended(queue, id)).toMatchObject({ state: "succeeded", failed_jobs: 1 });
      expect(await queue.workflows.result({ id })).toEqual([
        { ok: true, value: 1 },
        { ok: false, error: { code: "is_broken", message: expect.any(String) } },
      ]);
    });

    it("fails when what goes before a map gives no array", async () => {
      const { queue } = createScene(new Set());
      await opened.startWorker(queue);
      const id = await start(queue, chain(step(keep, 5) as Step<unknown, number[]>, map(double)));

      expect(await ended(queue, id)).toMatchObject({ state: "failed", error_code: "workflow_map_not_array" });
    });

    it("has no more jobs than it may when several maps get theirs at once", async () => {
      const { queue } = createScene(new Set());
      const maps = group([map(double), map(double)], { policy: "finish" });
      const id = await start(queue, chain(step(count, 8), maps));
      await sql`UPDATE workflow SET total_jobs = 99_988 WHERE id = ${id}`.execute(opened.database.queryable);
      await opened.startWorker(queue);

      expect(await ended(queue, id)).toMatchObject({
        state: "failed",
        error_code: "workflow_too_large",
        total_jobs: 99_996,
      });
    });
  });

  describe("with a task whose key functions throw", () => {
    const refuse = (): never => {
      throw new TypeError("no key for this");
    };
    const moody = defineTask({
      name: "tests.moody",
      queue: "tests",
      input: z.number(),
      output: z.number(),
      retries: 0,
      keyConcurrency: 1,
      limitKey: refuse,
    });
    const createMoody = () =>
      opened.createQueue([
        ...plainHandlers,
        handleTask({ task: moody, run: async ({ input }) => input + 1 }),
      ]);
    const logs = async () => {
      const found = await sql<{ task: string; level: string }>`
        SELECT job.task, job_log.level FROM job_log JOIN job ON job.id = job_log.job_id`.execute(
        opened.database.queryable,
      );
      return found.rows;
    };
    const warned = { task: moody.name, level: "warning" };

    it("releases its job without a key and says so in its log", async () => {
      const queue = createMoody();
      await opened.startWorker(queue);
      const id = await start(queue, chain(step(double, 2), step(moody)));

      expect(await ended(queue, id)).toMatchObject({ state: "succeeded" });
      expect(await queue.workflows.result({ id })).toBe(5);
      expect(await logs()).toEqual([warned]);
    });

    it("makes the jobs of a map", async () => {
      const queue = createMoody();
      await opened.startWorker(queue);
      const id = await start(queue, chain(step(count, 2), map(moody)));

      expect(await ended(queue, id)).toMatchObject({ state: "succeeded" });
      expect(await logs()).toEqual([warned, warned]);
    });

    it("makes the job of a callback", async () => {
      const queue = createMoody();
      await opened.startWorker(queue);
      const id = await start(queue, chain(step(double, 2)).onSuccess(step(moody)));

      const { state, callback_job_id: callback } = await ended(queue, id);
      await queue.waitForEnd(callback ?? "", { timeoutMs: 10_000 });
      expect(state).toBe("succeeded");
      expect(await logs()).toEqual([warned]);
    });

    it("keeps the key that one gives when the other throws", async () => {
      const unique = defineTask({
        name: "tests.moody_unique",
        queue: "tests",
        input: z.number(),
        output: z.number(),
        retries: 0,
        limitKey: () => "a",
        unique: refuse,
      });
      const queue = opened.createQueue([
        ...plainHandlers,
        handleTask({ task: unique, run: async ({ input }) => input + 1 }),
      ]);
      await opened.startWorker(queue);
      const id = await start(queue, chain(step(double, 2), step(unique)));

      expect(await ended(queue, id)).toMatchObject({ state: "succeeded" });
      const found = await sql<object>`SELECT limit_key FROM job WHERE task = ${unique.name}`.execute(
        opened.database.queryable,
      );
      expect(found.rows).toEqual([{ limit_key: "a" }]);
      expect(await logs()).toEqual([]);
    });
  });

  describe("with callbacks", () => {
    const failed = { code: "is_broken", message: expect.any(String) };

    it("enqueues one after it has succeeded, with what it gave", async () => {
      const { queue, notes } = createScene(new Set());
      await opened.startWorker(queue);
      const flow = chord([step(double, 1), step(double, 2)], step(sum))
        .onSuccess(step(note))
        .onFailure(step(note));
      const id = await start(queue, flow);

      const { callback_job_id: callback } = await ended(queue, id);
      await queue.waitForEnd(callback ?? "", { timeoutMs: 10_000 });
      expect(notes).toEqual([6]);
    });

    it("enqueues the other after it has failed, with what failed", async () => {
      const { queue, notes } = createScene(new Set(["a", "b"]));
      await opened.startWorker(queue);
      const flow = group([step(gate, "a"), step(gate, "b")], { policy: "finish" });
      const id = await start(queue, flow.onSuccess(step(note)).onFailure(step(note)));

      const { callback_job_id: callback } = await ended(queue, id);
      await queue.waitForEnd(callback ?? "", { timeoutMs: 10_000 });
      expect(notes).toEqual([{ workflow_id: id, error: failed }]);
    });
  });

  describe("that is cancelled", () => {
    it("ends at once where nothing runs", async () => {
      const { queue, ran } = createScene(new Set());
      const id = await start(
        queue,
        chord([step(gate, "a"), step(gate, "b")], step(keep)).onFailure(step(note)),
      );

      expect(await queue.workflows.cancel(id)).toBe("cancelled");
      expect(await jobStates(id)).toEqual(["cancelled", "cancelled", "cancelled"]);
      expect(await queue.workflows.get(id)).toMatchObject({
        state: "cancelled",
        error_code: null,
        callback_job_id: null,
        ended_jobs: 3,
      });
      expect(ran).toEqual([]);
      expect(await queue.workflows.cancel(id)).toBe("cancelled");
    });

    it("stops what runs", async () => {
      const { queue } = createScene(new Set());
      await opened.startWorker(queue);
      const id = await start(queue, chain(group([step(gate, "waits 1"), step(gate, "waits 2")]), step(keep)));
      await untilState(id, ["running", "running", "blocked"]);

      expect(await queue.workflows.cancel(id)).toBe("cancelling");
      expect(await ended(queue, id)).toMatchObject({ state: "cancelled" });
    });

    it("is cancelled by the upkeep when the one who asked did not live to do it", async () => {
      const { queue } = createScene(new Set());
      const id = await start(queue, chain(step(gate, "a"), step(keep)));
      await queue.transaction((scope) => queue.workflows.cancel(id, scope));

      const parts = {
        database: opened.database,
        bus: queue.bus,
        broker: createMemoryBroker(),
        registry: new TaskRegistry([]),
        onCancelRequested: () => undefined,
      };
      await stopAllMembers(parts);

      expect(await queue.workflows.get(id)).toMatchObject({ state: "cancelled" });
    });

    it("keeps a member that was stopped and tried again while somebody else was about to stop it", async () => {
      const { queue } = createScene(new Set());
      const id = await start(queue, chain(step(gate, "a"), step(keep)));
      const parts = { ...partsOf(queue), onCancelRequested: () => undefined };
      await queue.transaction((scope) => cancelWorkflow(scope, parts, id));
      const { queryable, transaction } = opened.database;
      const late: QueryAccess = {
        queryable,
        transaction: async (work) => {
          await stopMembers({ ...parts, database: opened.database }, id);
          await queue.workflows.retry(id);
          return await transaction(work);
        },
      };

      await stopMembers({ ...parts, database: late }, id);

      expect(await jobStates(id)).toEqual(["queued", "blocked"]);
      expect(await queue.workflows.get(id)).toMatchObject({ state: "running" });
    });

    it("refuses when it has ended otherwise, and when there is none", async () => {
      const { queue } = createScene(new Set());
      const id = await start(queue, group([]));

      await expect(queue.workflows.cancel(id)).rejects.toMatchObject({ code: "already_finished" });
      await expect(queue.workflows.cancel("01900000-0000-7000-8000-000000000000")).rejects.toMatchObject({
        code: "workflow_not_found",
      });
    });
  });

  describe("whose blocked job is cancelled by itself", () => {
    it("fails when its turn comes", async () => {
      const { queue, ran } = createScene(new Set());
      const id = await start(queue, chain(step(gate, "a"), step(gate, "b"), step(gate, "c")));
      const second = await jobOf(id, 1);
      await queue.transaction((scope) => queue.cancel(scope, second));
      await opened.startWorker(queue);

      expect(await ended(queue, id)).toMatchObject({
        state: "failed",
        error_code: "job_cancelled",
        ended_jobs: 3,
      });
      expect(ran).toEqual(["a"]);
    });
  });

  describe("that is retried", () => {
    it("goes on where it failed, and runs its body once", async () => {
      const broken = new Set(["b"]);
      const { queue, ran } = createScene(broken);
      await opened.startWorker(queue, { concurrency: 1 });
      const flow = chord([step(gate, "a"), step(gate, "b"), step(gate, "c")], step(sum), {
        policy: "finish",
      });
      const id = await start(queue, flow);
      await ended(queue, id);
      broken.clear();

      await queue.workflows.retry(id);

      expect(await ended(queue, id)).toMatchObject({
        state: "succeeded",
        total_jobs: 4,
        ended_jobs: 4,
        failed_jobs: 0,
        error_code: null,
      });
      expect(await queue.workflows.result({ id })).toBe(3);
      expect(ran).toEqual(["a", "b", "c", "b"]);
      expect((await queue.readDetail(await jobOf(id, 1))).attempts.map(({ outcome }) => outcome)).toEqual([
        "succeeded",
        "failed",
      ]);
    });

    it("goes on by the retry of its failed job, with those that were stopped for it", async () => {
      const broken = new Set(["a"]);
      const { queue } = createScene(broken);
      const id = await start(
        queue,
        chord([step(gate, "a"), chain(step(gate, "b"), step(double))], step(sum)),
      );
      await opened.startWorker(queue, { concurrency: 1 });
      await ended(queue, id);
      broken.clear();

      const first = await jobOf(id, 0);
      await queue.transaction((scope) => queue.retry(scope, first));

      expect(await ended(queue, id)).toMatchObject({ state: "succeeded", ended_jobs: 4, failed_jobs: 0 });
      expect(await queue.workflows.result({ id })).toBe(3);
    });

    it("runs what a cancel had ended", async () => {
      const { queue } = createScene(new Set());
      const id = await start(queue, chain(step(double, 1), group([step(double), step(double)]), step(sum)));
      await queue.workflows.cancel(id);

      await queue.workflows.retry(id);
      await opened.startWorker(queue);

      expect(await ended(queue, id)).toMatchObject({ state: "succeeded", failed_jobs: 0 });
      expect(await queue.workflows.result({ id })).toBe(8);
    });

    it.each<[string, Flow<number, unknown>]>([
      ["a member of a group", group([step(double), step(double)])],
      ["the first of a chain", chain(step(double), step(double))],
      ["the first of a chain in a group", group([chain(step(double), step(double)), step(double)])],
    ])("runs %s that somebody cancelled before its turn", async (_which, body) => {
      const { queue } = createScene(new Set());
      const id = await start(queue, chain(step(double, 1), body));
      const cancelled = await jobOf(id, 1);
      await queue.transaction((scope) => queue.cancel(scope, cancelled));
      await opened.startWorker(queue);
      expect(await ended(queue, id)).toMatchObject({ state: "failed", error_code: "job_cancelled" });

      await queue.workflows.retry(id);

      expect(await ended(queue, id)).toMatchObject({ state: "succeeded", failed_jobs: 0 });
      expect((await queue.readDetail(cancelled)).input).toBe(2);
    });

    it("does not run again what came after a member that was collected", async () => {
      const broken = new Set(["a"]);
      const { queue, notes } = createScene(broken);
      await opened.startWorker(queue);
      const id = await start(
        queue,
        chord([step(gate, "a"), step(gate, "b")], step(note), { policy: "collect" }),
      );
      await ended(queue, id);
      broken.clear();

      const first = await jobOf(id, 0);
      await queue.transaction((scope) => queue.retry(scope, first));
      await queue.waitForEnd(first, { timeoutMs: 10_000 });

      expect(await queue.workflows.get(id)).toMatchObject({
        state: "succeeded",
        ended_jobs: 3,
        failed_jobs: 0,
      });
      expect(notes).toHaveLength(1);
    });

    it("lets what a collected member goes on with wait for it, although the whole has ended", async () => {
      const broken = new Set(["a"]);
      const { queue, notes } = createScene(broken);
      await opened.startWorker(queue);
      const id = await start(
        queue,
        chord([chain(step(gate, "a"), step(gate, "b"))], step(note), { policy: "collect" }),
      );
      await ended(queue, id);
      await opened.stopWorkers();
      broken.clear();

      const first = await jobOf(id, 0);
      await queue.transaction((scope) => queue.retry(scope, first));

      expect(await jobStates(id)).toEqual(["queued", "blocked", "succeeded"]);
      expect(await findQueueProblems(opened.database.queryable)).toEqual([]);
      await opened.startWorker(queue);
      await untilState(id, ["succeeded", "succeeded", "succeeded"]);
      expect(notes).toHaveLength(1);
    });

    const endMember = (queue: Queue, id: string, ending: Ending): Promise<void> =>
      queue.transaction(async (scope) => {
        const held = await lockJob(scope.transaction, id);
        if (held === undefined) throw new Error("it was claimed");
        await endJob(scope, partsOf(queue), held, ending);
      });
    const failed: Ending = { state: "failed", error: { code: "is_broken", message: "broken" } };

    /** Of a group whose members all ran two failed, and the third was stopped. */
    const failTwoOfThree = async (queue: Queue) => {
      const id = await start(queue, group([step(gate, "a"), step(gate, "b"), step(gate, "c")]));
      expect(await opened.claim([gate], { count: 3 })).toHaveLength(3);
      const [first, second, third] = [await jobOf(id, 0), await jobOf(id, 1), await jobOf(id, 2)];
      await endMember(queue, first, failed);
      await endMember(queue, second, failed);
      await endMember(queue, third, { state: "cancelled" });
      expect(await queue.workflows.get(id)).toMatchObject({ state: "failed" });
      return { id, first, second, third };
    };

    it("stops a group again when one of its members fails again", async () => {
      const { queue } = createScene(new Set());
      const { id, first } = await failTwoOfThree(queue);
      await queue.transaction((scope) => queue.retry(scope, first));
      await opened.claim([gate], { count: 1 });

      await endMember(queue, first, failed);
      await stopMembers(
        { ...partsOf(queue), database: opened.database, onCancelRequested: () => undefined },
        id,
      );

      expect(await jobStates(id)).toEqual(["failed", "failed", "cancelled"]);
      expect(await queue.workflows.get(id)).toMatchObject({ state: "failed", error_code: "is_broken" });
    });

    it("fails in the end with the error of a member that nobody retried, and stops nothing for it", async () => {
      const { queue } = createScene(new Set());
      const { id, first } = await failTwoOfThree(queue);

      await queue.transaction((scope) => queue.retry(scope, first));
      await opened.startWorker(queue);

      expect(await ended(queue, id)).toMatchObject({ state: "failed", error_code: "is_broken" });
      expect(await jobStates(id)).toEqual(["succeeded", "failed", "succeeded"]);
    });

    it("takes its failed jobs one after another, also while those before run again", async () => {
      const { queue } = createScene(new Set());
      const { id, first, second } = await failTwoOfThree(queue);

      await queue.transaction((scope) => queue.retry(scope, first));
      await queue.transaction((scope) => queue.retry(scope, second));

      expect(await jobStates(id)).toEqual(["queued", "queued", "queued"]);
      const { queue: repaired } = createScene(new Set());
      await opened.startWorker(repaired);
      expect(await ended(repaired, id)).toMatchObject({ state: "succeeded", failed_jobs: 0 });
    });

    it("refuses what has not failed, and jobs whose turn never came", async () => {
      const { queue } = createScene(new Set(["a"]));
      const id = await start(queue, chain(step(gate, "a"), step(gate, "b")));
      await expect(queue.workflows.retry(id)).rejects.toMatchObject({ code: "workflow_not_retryable" });
      await opened.startWorker(queue);
      await ended(queue, id);

      const second = await jobOf(id, 1);
      await expect(queue.transaction((scope) => queue.retry(scope, second))).rejects.toMatchObject({
        code: "workflow_job_was_skipped",
      });
    });
  });

  describe("that is started", () => {
    it("is there if and only if the transaction commits", async () => {
      const { queue } = createScene(new Set());
      const started: string[] = [];
      await expect(
        queue.transaction(async (scope) => {
          started.push((await queue.workflows.start(step(double, 1), {}, scope)).id);
          throw new Error("rolled back");
        }),
      ).rejects.toThrow("rolled back");

      await expect(queue.workflows.get(started[0] ?? "")).rejects.toMatchObject({
        code: "workflow_not_found",
      });
    });

    it("is the one that is there when it is asked for again with its idempotency key", async () => {
      const { queue } = createScene(new Set());
      const options = { owner: "o", idempotencyKey: "k" };
      const id = await start(queue, step(double, 1), options);

      expect(await start(queue, step(double, 1), options)).toBe(id);
      expect(await start(queue, step(double, 1), { ...options, owner: "p" })).not.toBe(id);
      await expect(start(queue, step(double, 2), options)).rejects.toMatchObject({
        code: "idempotency_key_reused",
      });
    });

    it("refuses inputs that do not fit, jobs without an input, and chains of nothing", async () => {
      const { queue } = createScene(new Set());

      await expect(start(queue, step(double, "x" as never))).rejects.toMatchObject({
        code: "invalid_job_input",
      });
      await expect(start(queue, step(double) as never)).rejects.toMatchObject({ code: "invalid_workflow" });
      await expect(start(queue, map(double) as never)).rejects.toMatchObject({ code: "invalid_workflow" });
      await expect(
        start(queue, chain(...([] as readonly Flow<undefined, undefined>[]))),
      ).rejects.toMatchObject({ code: "invalid_workflow" });
    });

    it("refuses what is too deep or too large", async () => {
      const { queue } = createScene(new Set());
      let deep = group([step(double, 1)]) as StartableFlow<unknown> as never;
      for (let depth = 0; depth < 20; depth++) deep = group([deep]) as never;

      await expect(start(queue, deep)).rejects.toMatchObject({ code: "workflow_too_deep" });
      await expect(
        start(
          queue,
          map(
            double,
            Array.from({ length: 100_001 }, () => 1),
          ),
        ),
      ).rejects.toMatchObject({ code: "workflow_too_large" });
    });

    it("waits before its first jobs, and no longer before others", async () => {
      const { queue } = createScene(new Set());
      const id = await start(queue, chain(step(count, 1), step(sum)), { delayMs: 3_600_000, priority: 8 });

      expect(await jobStates(id)).toEqual(["scheduled", "blocked"]);
      expect(await opened.find(await jobOf(id, 1))).toMatchObject({ priority: 8, workflow_id: id });
    });
  });
});
