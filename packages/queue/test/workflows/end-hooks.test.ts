import { MillraceError } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { chain, defineTask, group, handleTask, listLog, step } from "../../src/index.ts";
import type { AnyTaskHandler, Queue } from "../../src/index.ts";
import { createMemoryBroker } from "../../src/brokers/memory-broker.ts";
import { expireJobs } from "../../src/jobs/promote.ts";
import { reapJobs } from "../../src/jobs/reap.ts";
import type { TaskHooks } from "../../src/tasks/task.ts";
import { TaskRegistry } from "../../src/tasks/task-registry.ts";
import { useQueue } from "../features/use-queue.ts";

const first = defineTask({
  name: "tests.go_first",
  queue: "tests",
  input: z.string(),
  output: z.number(),
  retries: 0,
});
const second = defineTask({
  name: "tests.go_second",
  queue: "tests",
  input: z.number(),
  output: z.number(),
  retries: 0,
});
const merged = defineTask({
  name: "tests.go_merged",
  queue: "tests",
  input: z.object({ name: z.string(), given: z.number() }),
  output: z.number(),
  retries: 0,
});

type Scene = {
  readonly queue: Queue;
  readonly handlers: readonly AnyTaskHandler[];
  /** Ends that hooks were told of, as `task state`, with the input. */
  readonly told: (readonly [string, unknown])[];
};

/** What waits for its input has a hook that could not read what it has until then. */
describe.each(testDatabases())("the hook of a member that is blocked on $name", (kind) => {
  const opened = useQueue(kind);

  const createScene = (onSecondEnd: TaskHooks<number>["onEnd"] = async () => undefined): Scene => {
    const told: Scene["told"] = [];
    const handlers = [
      handleTask({
        task: first,
        run: async ({ log }) => {
          log("info", "about to fail");
          throw new MillraceError({ code: "is_broken", kind: "invalid", message: "It is broken." });
        },
        onEnd: async (_scope, { state, input }) => void told.push([`first ${state}`, input]),
      }),
      handleTask({
        task: second,
        run: async ({ input }) => input,
        onEnd: async (scope, end) => {
          told.push([`second ${end.state}`, end.input]);
          await onSecondEnd(scope, end);
        },
      }),
      handleTask({
        task: merged,
        run: async ({ input }) => input.given,
        onEnd: async (_scope, { state, input }) => void told.push([`merged ${state}`, input]),
      }),
    ];
    return { queue: opened.createQueue(handlers), handlers, told };
  };

  const partsOf = ({ queue, handlers }: Scene) => ({
    database: opened.database,
    bus: queue.bus,
    broker: createMemoryBroker(),
    registry: new TaskRegistry(handlers),
  });
  const startChain = async ({ queue }: Scene): Promise<string> =>
    (await queue.workflows.start(chain(step(first, "a"), step(second), step(second)))).id;
  const jobOf = async (id: string, nth: number): Promise<string> => {
    const found = await sql<{ job_id: string }>`
      SELECT job_id FROM workflow_node WHERE workflow_id = ${id} AND job_id IS NOT NULL ORDER BY number`.execute(
      opened.database.queryable,
    );
    return found.rows[nth]?.job_id ?? "";
  };
  const jobStates = async (id: string): Promise<string[]> => {
    const found = await sql<{ state: string }>`
      SELECT job.state FROM workflow_node AS node JOIN job ON job.id = node.job_id
      WHERE node.workflow_id = ${id} ORDER BY node.number`.execute(opened.database.queryable);
    return found.rows.map(({ state }) => state);
  };
  const linesOf = async (jobId: string): Promise<string[]> =>
    (await listLog(opened.database.queryable, { jobIds: [jobId], limit: 10 })).map(({ message }) => message);

  it("keeps what fails before it neither from its own hook nor from its last words", async () => {
    const scene = createScene();
    await opened.startWorker(scene.queue);
    const id = await startChain(scene);

    const ended = await scene.queue.workflows.waitForEnd(id, { timeoutMs: 20_000 });

    expect(ended).toMatchObject({ state: "failed", error_code: "is_broken" });
    expect(await jobStates(id)).toEqual(["failed", "cancelled", "cancelled"]);
    expect(scene.told).toEqual([["first failed", "a"]]);
    expect(await linesOf(await jobOf(id, 0))).toContain("about to fail");
  });

  it("does not refuse the cancel of what is queued before it", async () => {
    const scene = createScene();
    const id = await startChain(scene);
    const before = await jobOf(id, 0);

    await scene.queue.transaction((scope) => scene.queue.cancel(scope, before));

    expect(await jobStates(id)).toEqual(["cancelled", "cancelled", "cancelled"]);
    expect(scene.told).toEqual([["first cancelled", "a"]]);
  });

  it("does not refuse the cancel of its own job", async () => {
    const scene = createScene();
    const id = await startChain(scene);
    const own = await jobOf(id, 1);

    await scene.queue.transaction((scope) => scene.queue.cancel(scope, own));

    expect(await jobStates(id)).toEqual(["queued", "cancelled", "blocked"]);
    expect(scene.told).toEqual([]);
  });

  it("does not keep what was not started in time", async () => {
    const scene = createScene();
    const id = await startChain(scene);
    await sql`UPDATE job SET expires_at = now() - interval '1 second' WHERE state = 'queued'`.execute(
      opened.database.queryable,
    );

    expect(await expireJobs(partsOf(scene))).toMatchObject({ expired: 1 });

    expect(await jobStates(id)).toEqual(["expired", "cancelled", "cancelled"]);
    expect(scene.told).toEqual([["first expired", "a"]]);
  });

  it("does not keep what was cancelled under a worker that died", async () => {
    const scene = createScene();
    const id = await startChain(scene);
    await opened.claim([first]);
    await sql`
      UPDATE job SET lease_until = now() - interval '1 second', cancel_requested_at = now()
      WHERE state = 'running'`.execute(opened.database.queryable);

    expect(await reapJobs(partsOf(scene), "expired_leases")).toBe(1);

    expect(await jobStates(id)).toEqual(["cancelled", "cancelled", "cancelled"]);
    expect(scene.told).toEqual([["first cancelled", "a"]]);
  });

  it("does not refuse the cancel of the workflow", async () => {
    const scene = createScene();
    const id = await startChain(scene);

    expect(await scene.queue.workflows.cancel(id)).toBe("cancelled");

    expect(await jobStates(id)).toEqual(["cancelled", "cancelled", "cancelled"]);
    expect(scene.told).toEqual([["first cancelled", "a"]]);
  });

  it("is left out where the input is to be put together with what goes before", async () => {
    const scene = createScene();
    const flow = chain(step(first, "a"), step(merged, { name: "b" }, { into: "given" }));
    const { id } = await scene.queue.workflows.start(flow);

    expect(await scene.queue.workflows.cancel(id)).toBe("cancelled");

    expect(scene.told).toEqual([["first cancelled", "a"]]);
  });

  it("runs where the input was given in the flow", async () => {
    const scene = createScene();
    const { id } = await scene.queue.workflows.start(chain(step(first, "a"), step(second, 2)));

    expect(await scene.queue.workflows.cancel(id)).toBe("cancelled");

    expect(scene.told).toEqual([
      ["second cancelled", 2],
      ["first cancelled", "a"],
    ]);
  });

  it("is left out when it fails, which its job's log tells, and the hook before it runs", async () => {
    const scene = createScene(async ({ transaction }) => void (await sql`SELECT 1 / 0`.execute(transaction)));
    await opened.startWorker(scene.queue);
    const { id } = await scene.queue.workflows.start(chain(step(first, "a"), step(second, 2)));

    const ended = await scene.queue.workflows.waitForEnd(id, { timeoutMs: 20_000 });

    expect(ended).toMatchObject({ state: "failed", error_code: "is_broken" });
    expect(scene.told).toEqual([
      ["second cancelled", 2],
      ["first failed", "a"],
    ]);
    expect(await linesOf(await jobOf(id, 1))).toEqual([expect.stringContaining("was left out")]);
  });

  it("announces nothing when it is left out", async () => {
    const announced: string[] = [];
    const scene = createScene(async (scope) => {
      scope.afterCommit(() => announced.push("it"));
      throw new Error("a broken hook");
    });
    const { id } = await scene.queue.workflows.start(chain(step(first, "a"), step(second, 2)));

    expect(await scene.queue.workflows.cancel(id)).toBe("cancelled");

    expect(announced).toEqual([]);
  });

  it("refuses the end when what it met may pass later", async () => {
    const scene = createScene(() =>
      Promise.reject(Object.assign(new Error("busy"), { code: "database_wait_expired" })),
    );
    const { id } = await scene.queue.workflows.start(chain(step(first, "a"), step(second, 2)));
    await sql`UPDATE job SET expires_at = now() - interval '1 second' WHERE state = 'queued'`.execute(
      opened.database.queryable,
    );

    await expect(expireJobs(partsOf(scene))).rejects.toMatchObject({ code: "database_wait_expired" });

    expect(await jobStates(id)).toEqual(["queued", "blocked"]);
  });

  it("keeps no other member of a cancelled workflow when it refuses for good", async () => {
    const scene = createScene(async (_scope, { input }) => {
      if (input === 1) throw new Error("a broken hook");
    });
    const { id } = await scene.queue.workflows.start(group([step(second, 1), step(second, 2)]));

    await scene.queue.workflows.cancel(id);

    expect(await scene.queue.workflows.get(id)).toMatchObject({ state: "cancelled" });
    expect(await jobStates(id)).toEqual(["cancelled", "cancelled"]);
    expect(scene.told).toContainEqual(["second cancelled", 2]);
  });
});
