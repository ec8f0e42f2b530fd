/** What the tests of jobs in child processes share: a database with a worker's parts, and no worker. */
import { existsSync, readFileSync } from "node:fs";
import { MemoryStore, StoredCache } from "@millrace/cache";
import type { Database } from "@millrace/database";
import { ConcurrencyLimit, newId, silentLogger } from "@millrace/kernel";
import { openTestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { expect } from "vitest";
import { findJobs, handleTask, Queue, readJobDetail } from "../src/index.ts";
import type { AnyTaskHandler } from "../src/index.ts";
import { ChildPool } from "../src/isolation/child-pool.ts";
import type { ChildPoolOptions } from "../src/isolation/child-pool.ts";
import { claimJobs } from "../src/jobs/claim.ts";
import type { ClaimedJob } from "../src/jobs/job-row.ts";
import { TaskRegistry } from "../src/tasks/task-registry.ts";
import { EventWriter } from "../src/worker/event-writer.ts";
import type { ExecuteParts } from "../src/worker/execution.ts";
import { endsAtOnce } from "../src/worker/record-end.ts";
import type { scriptTask } from "./script-task.ts";

export const entry = new URL("./isolated-child.ts", import.meta.url);

const runsInTheChild = (): Promise<never> => Promise.reject(new Error("runs in the child"));

/** What a worker knows of a task whose jobs run in children. */
export const handlersOf = (task: typeof scriptTask): AnyTaskHandler[] => [
  handleTask({ task, run: runsInTheChild }),
];

export class IsolationSetup {
  readonly database: Database;
  readonly queue: Queue;
  readonly parts: ExecuteParts;
  readonly #task: typeof scriptTask;
  readonly #pools: ChildPool[] = [];

  private constructor(database: Database, task: typeof scriptTask) {
    const handlers = handlersOf(task);
    this.database = database;
    this.#task = task;
    this.queue = new Queue({ database, logger: silentLogger, handlers });
    this.parts = {
      database,
      bus: this.queue.bus,
      broker: { announce: () => undefined },
      registry: new TaskRegistry(handlers),
      writer: new EventWriter({ database, bus: this.queue.bus, logger: silentLogger }),
      cache: new StoredCache({ store: new MemoryStore(), logger: silentLogger }),
      logger: silentLogger,
      ends: new ConcurrencyLimit(() => endsAtOnce),
      onStaleWrite: () => undefined,
    };
  }

  static async open(task: typeof scriptTask): Promise<IsolationSetup> {
    const database = await openTestDatabase();
    return new IsolationSetup(database, task);
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.stop()));
    await this.database.close();
  }

  pool(options: Partial<ChildPoolOptions> = {}, handlers?: readonly AnyTaskHandler[]): ChildPool {
    const registry = handlers === undefined ? this.parts.registry : new TaskRegistry(handlers);
    const pool = new ChildPool({ ...this.parts, registry }, { entry, maxChildren: 2, ...options });
    this.#pools.push(pool);
    return pool;
  }

  /** A claimed job; one that `runsAlone` is as if its worker had died under it. */
  async claim(script: string, { runsAlone = false } = {}): Promise<ClaimedJob> {
    const { id } = await this.queue.transaction((scope) => this.queue.enqueue(scope, this.#task, { script }));
    if (runsAlone)
      await sql`UPDATE job SET runs_alone = true WHERE id = ${id}`.execute(this.database.queryable);
    return await this.claimNext();
  }

  async claimNext(): Promise<ClaimedJob> {
    const {
      jobs: [job],
    } = await claimJobs(this.database, {
      queue: this.#task.queue,
      taskKeys: this.parts.registry.keys(),
      limit: 1,
      worker: { id: newId(), name: "w" },
      leaseMs: 60_000,
      oldest: 0,
    });
    if (job === undefined) throw new Error("nothing was claimed");
    return job;
  }

  /** What the job's script recorded as its first step, once it has. */
  async recorded(job: ClaimedJob): Promise<number> {
    const look = async (): Promise<number | undefined> => {
      const found = await sql<{ output: number }>`
        SELECT output FROM job_step WHERE job_id = ${job.id} AND state = 'done'`.execute(
        this.database.queryable,
      );
      return found.rows[0]?.output;
    };
    await expect.poll(look).toBeDefined();
    return Number(await look());
  }

  /** The job and how its one attempt ended; cancels it, so that no other test claims it. */
  async result(job: ClaimedJob) {
    const [found] = await findJobs(this.database.queryable, [job.id]);
    const marked = await sql<{
      runs_alone: boolean;
    }>`SELECT runs_alone FROM job WHERE id = ${job.id}`.execute(this.database.queryable);
    const { attempts } = await readJobDetail(this.database.queryable, job.id);
    if (found?.finished_at === null)
      await this.queue.transaction((scope) => this.queue.cancel(scope, job.id));
    return {
      state: found?.state,
      attempt: found?.attempt,
      crashes: found?.crash_count,
      runsAlone: marked.rows[0]?.runs_alone,
      outcome: attempts[0]?.outcome ?? null,
      code: attempts[0]?.error_code ?? null,
    };
  }

  /** Runs scripts one after another and returns the process in which each ran. */
  async processesOf(
    pool: ChildPool,
    scripts: readonly string[],
    how: { readonly runsAlone?: boolean } = {},
  ): Promise<number[]> {
    const processes: number[] = [];
    for (const script of scripts) {
      const job = await this.claim(script, how);
      await pool.run(job).done;
      const found = await sql<{ output: { answer: string } }>`
        SELECT output FROM job WHERE id = ${job.id} AND state = 'succeeded'`.execute(this.database.queryable);
      const answer = found.rows[0]?.output.answer;
      if (answer === undefined) throw new Error(`the script ${script} did not end well`);
      processes.push(Number(answer));
    }
    return processes;
  }
}

/** A process that has ended but that nobody has asked about counts as gone. */
export function isAlive(processId: number): boolean {
  if (existsSync("/proc/self/status")) {
    try {
      return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${processId}/status`, "latin1"));
    } catch {
      return false;
    }
  }
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}
