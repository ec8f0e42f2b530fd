import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseJson, silentLogger } from "@millrace/kernel";
import { readLines, testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createMemoryBroker } from "../../src/brokers/memory-broker.ts";
import { handleTask } from "../../src/index.ts";
import type { Queue } from "../../src/index.ts";
import { TaskRegistry } from "../../src/tasks/task-registry.ts";
import { createMaintenance } from "../../src/worker/maintenance.ts";
import { queueChores } from "../../src/worker/queue-chores.ts";
import { processTask } from "./process-task.ts";
import { useQueue } from "./use-queue.ts";

const said = z.object({ kind: z.string(), id: z.string().optional(), reason: z.string().optional() });
type Said = z.infer<typeof said>;

type WorkerProcess = {
  readonly process: ChildProcess;
  readonly lines: readonly Said[];
  readonly until: (line: Partial<Said>) => Promise<void>;
  /** Its exit code, once it has ended. */
  readonly ended: Promise<number | null>;
};

/** What happens to jobs when their worker's process is stopped, told to end, or busy. */
describe.each(testDatabases().filter(({ name }) => name === "postgres"))(
  "a worker process on $name",
  (kind) => {
    const opened = useQueue(kind);
    const processes: WorkerProcess[] = [];
    const upkeep: { readonly stop: () => Promise<void> }[] = [];
    let folder = "";

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), "millrace-worker-process-"));
    });
    afterEach(async () => {
      for (const { process } of processes) process.kill("SIGKILL");
      await Promise.all(processes.splice(0).map(({ ended }) => ended));
      for (const service of upkeep.splice(0)) await service.stop();
      await rm(folder, { recursive: true });
    });

    const startProcess = async (options: { leaseMs: number; drainMs?: number }): Promise<WorkerProcess> => {
      const { leaseMs, drainMs = 300 } = options;
      const script = fileURLToPath(new URL("./worker-process-child.ts", import.meta.url));
      const child = spawn(process.execPath, [script, opened.url ?? "", String(leaseMs), String(drainMs)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const lines: Said[] = [];
      const ended = once(child, "exit").then(() => child.exitCode);
      void (async () => {
        for await (const line of readLines(child)) lines.push(said.parse(parseJson(line)));
      })();
      const until = (line: Partial<Said>): Promise<void> =>
        expect.poll(() => lines).toContainEqual(expect.objectContaining(line));
      const started = { process: child, lines, until, ended };
      processes.push(started);
      await until({ kind: "ready" });
      return started;
    };

    /** What a worker of this process does for all, every few milliseconds. */
    const startUpkeep = async (queue: Queue, leaseMs: number): Promise<void> => {
      const parts = {
        database: opened.database,
        whole: opened.database,
        control: queue.control,
        logger: silentLogger,
        bus: queue.bus,
        broker: createMemoryBroker(),
        registry: new TaskRegistry([]),
      };
      const onLost = (worker: { id: string; name: string }, jobs: number): void =>
        queue.hooks.emit({ type: "worker.lost", worker, jobs });
      const isHeld = (): boolean => false;
      const chores = queueChores(parts, { pollMs: 50, reapEveryMs: 50, leaseMs, isHeld, onLost });
      const service = createMaintenance({ logger: silentLogger }, { pollMs: 50, chores });
      upkeep.push(service);
      await service.start();
    };

    const createQueue = (): Queue =>
      opened.createQueue([handleTask({ task: processTask, run: async () => "the other worker" })]);

    const eventsOf = async (queue: Queue, id: string): Promise<string[]> =>
      (await queue.feed.read(`job:${id}`, 0, 100)).events.map(({ type }) => type);

    const runningJob = async (queue: Queue, on: WorkerProcess, input: z.infer<typeof processTask.input>) => {
      const { id } = await queue.add(processTask, input);
      await on.until({ kind: "started", id });
      return id;
    };

    describe("that stood still for longer than its lease", () => {
      const leaseMs = 3_000;

      /** Its job is taken back and done by another worker, and then it goes on. */
      const standStill = async (script: string) => {
        const queue = createQueue();
        const lost: unknown[] = [];
        queue.on("worker.lost", ({ worker, jobs }) => void lost.push([worker.name, jobs]));
        const stalled = await startProcess({ leaseMs });
        const file = join(folder, "go");
        const id = await runningJob(queue, stalled, { script, file });

        stalled.process.kill("SIGSTOP");
        await startUpkeep(queue, leaseMs);
        await opened.startWorker(queue);
        expect(await queue.waitForEnd(id, { timeoutMs: 40_000 })).toMatchObject({
          state: "succeeded",
          attempt: 1,
        });
        await writeFile(file, "");
        stalled.process.kill("SIGCONT");
        return { queue, stalled, id, lost };
      };

      it("writes nothing more, and says once that it was refused", async () => {
        const { queue, stalled, id, lost } = await standStill("block until");

        await stalled.until({ kind: "refused", id });
        stalled.process.kill("SIGTERM");
        await stalled.ended;

        expect(stalled.lines.filter(({ kind }) => kind === "refused")).toHaveLength(1);
        expect(await queue.result(processTask, id)).toBe("the other worker");
        expect(await eventsOf(queue, id)).toEqual(["job.queued", "job.succeeded"]);
        const { attempts } = await queue.readDetail(id);
        expect(attempts.map(({ outcome, worker_name }) => [outcome, worker_name])).toEqual([
          ["succeeded", "w"],
          ["crashed", "process"],
        ]);
        expect(lost).toEqual([["process", 1]]);
      });

      it("stops its handler, which writes nothing", async () => {
        const { queue, stalled, id } = await standStill("wait");

        await stalled.until({ kind: "aborted", id, reason: "lease_lost" });
        stalled.process.kill("SIGTERM");

        expect(await stalled.ended).toBe(0);
        expect(stalled.lines.filter(({ kind }) => kind === "refused")).toEqual([]);
        expect(await queue.result(processTask, id)).toBe("the other worker");
        expect(await eventsOf(queue, id)).toEqual(["job.queued", "job.succeeded"]);
      });
    });

    it("keeps a job that holds its thread for longer than the lease", async () => {
      const leaseMs = 6_000;
      const queue = createQueue();
      const busy = await startProcess({ leaseMs });
      await startUpkeep(queue, leaseMs);

      const id = await runningJob(queue, busy, { script: "block", ms: 9_000 });

      expect(await queue.waitForEnd(id, { timeoutMs: 40_000 })).toMatchObject({
        state: "succeeded",
        attempt: 1,
        crash_count: 0,
      });
      expect((await queue.readDetail(id)).attempts).toMatchObject([
        { outcome: "succeeded", worker_name: "process" },
      ]);
    });

    describe("that is told to end", () => {
      it("hands its jobs back uncounted, and ends", async () => {
        const queue = createQueue();
        const worker = await startProcess({ leaseMs: 30_000, drainMs: 100 });
        const ids = [
          await runningJob(queue, worker, { script: "wait" }),
          await runningJob(queue, worker, { script: "wait" }),
        ];

        worker.process.kill("SIGTERM");

        expect(await worker.ended).toBe(0);
        for (const id of ids) {
          expect(await opened.find(id)).toMatchObject({ state: "queued", attempt: 0, crash_count: 0 });
          expect(await eventsOf(queue, id)).toEqual(["job.queued"]);
        }
        expect(await queue.control.listWorkers()).toMatchObject([
          { state: "stopped", is_live: false, running: 0 },
        ]);
      });

      it("lets a job end that is done in time", async () => {
        const queue = createQueue();
        const worker = await startProcess({ leaseMs: 30_000, drainMs: 60_000 });
        const file = join(folder, "go");
        const id = await runningJob(queue, worker, { script: "wait until", file });

        worker.process.kill("SIGTERM");
        await worker.until({ kind: "draining" });
        const later = await queue.add(processTask, { script: "nothing" });
        await writeFile(file, "");

        expect(await worker.ended).toBe(0);
        expect(await opened.find(id)).toMatchObject({ state: "succeeded", attempt: 1 });
        expect(await opened.find(later.id)).toMatchObject({ state: "queued", attempt: 0 });
      });

      it("hands its jobs back at once when it is told twice", async () => {
        const queue = createQueue();
        const worker = await startProcess({ leaseMs: 30_000, drainMs: 600_000 });
        const id = await runningJob(queue, worker, { script: "wait" });

        worker.process.kill("SIGTERM");
        // Both signals at once would be one.
        await expect
          .poll(async () => {
            const { state } = await opened.find(id);
            // Not one more: a process that is ending hears of no signal and is killed by it.
            if (state === "running") worker.process.kill("SIGTERM");
            return state;
          })
          .toBe("queued");

        expect(await worker.ended).toBe(0);
      });
    });

    it("leaves its jobs to others when it is killed", async () => {
      const leaseMs = 3_000;
      const queue = createQueue();
      const killed = await startProcess({ leaseMs });
      const id = await runningJob(queue, killed, { script: "wait" });

      killed.process.kill("SIGKILL");
      await killed.ended;
      await startUpkeep(queue, leaseMs);
      await opened.startWorker(queue);

      // In a process that others shared: nobody can say whose fault it was.
      expect(await queue.waitForEnd(id, { timeoutMs: 40_000 })).toMatchObject({
        state: "succeeded",
        attempt: 1,
        crash_count: 0,
      });
      expect((await queue.readDetail(id)).attempts.map(({ outcome }) => outcome)).toEqual([
        "succeeded",
        "crashed",
      ]);
      const fences = await sql<{ fence: number }>`SELECT fence FROM job WHERE id = ${id}`.execute(
        opened.database.queryable,
      );
      expect(fences.rows).toEqual([{ fence: 3 }]);
    });
  },
);
