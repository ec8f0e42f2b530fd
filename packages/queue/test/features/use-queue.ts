import type { Database } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import type { TestDatabase, TestDatabaseKind } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll } from "vitest";
import { findJobs, Queue } from "../../src/index.ts";
import type {
  AnyTaskHandler,
  JobRecord,
  QueueWorker,
  QueueWorkerOptions,
  Task,
  TaskOverrides,
} from "../../src/index.ts";
import { claimJobs } from "../../src/jobs/claim.ts";
import type { ClaimPlace } from "../../src/jobs/claim.ts";
import type { ClaimedJob } from "../../src/jobs/job-row.ts";

type QueueOptions = { readonly tasks?: readonly Task[]; readonly overrides?: TaskOverrides };

export type QueueUnderTest = {
  readonly database: Database;
  /** Undefined for the embedded one. */
  readonly url: string | undefined;
  readonly createQueue: (handlers: readonly AnyTaskHandler[], options?: QueueOptions) => Queue;
  /** Stopped after the test, if it has not been before. */
  readonly startWorker: (queue: Queue, options?: Partial<QueueWorkerOptions>) => Promise<QueueWorker>;
  readonly stopWorkers: () => Promise<void>;
  readonly find: (id: string) => Promise<JobRecord>;
  /** The next jobs of a queue, as a worker that runs all tasks would get them one by one. */
  readonly claim: (tasks: readonly Task[], options?: Claim) => Promise<ClaimedJob[]>;
};

type Claim = {
  /** Default: of the first task. */
  readonly queue?: string;
  /** Default 1. */
  readonly count?: number;
  /** Default "best". */
  readonly choice?: "best" | "oldest";
  /** Each behind the one before, also behind that of an earlier call in the test, and not from the head. Default false. */
  readonly goesOn?: boolean;
};

const tables = [
  "job",
  "job_payload",
  "job_progress",
  "job_attempt",
  "job_step",
  "job_wait",
  "job_log",
  "event",
  "event_stream",
  "owner_weight",
  "queue_control",
  "worker",
  "workflow",
  "workflow_node",
  "task_end_count",
];

/** Opens a database for the tests of one `describe`, and leaves it without jobs after each of them. */
export function useQueue(kind: TestDatabaseKind): QueueUnderTest {
  let opened: TestDatabase | undefined;
  const workers: QueueWorker[] = [];
  let place: ClaimPlace | undefined;
  const open = (): TestDatabase => {
    if (opened === undefined) throw new Error("the database is there from beforeAll on");
    return opened;
  };

  const stopWorkers = async (): Promise<void> => {
    await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  };

  beforeAll(async () => {
    opened = await kind.open();
  });
  afterEach(async () => {
    await stopWorkers();
    place = undefined;
    for (const table of tables) await sql`DELETE FROM ${sql.table(table)}`.execute(open().database.queryable);
  });
  afterAll(() => opened?.close());

  return {
    get database() {
      return open().database;
    },
    get url() {
      return open().url;
    },
    createQueue: (handlers, options = {}) =>
      new Queue({ database: open().database, logger: silentLogger, handlers, ...options }),
    startWorker: async (queue, options = {}) => {
      const worker = queue.createWorker({
        name: "w",
        concurrency: 4,
        leaseMs: 20_000,
        beatMs: 10_000,
        pollMs: 20,
        drainMs: 50,
        ...options,
      });
      workers.push(worker);
      await worker.start();
      return worker;
    },
    stopWorkers,
    find: async (id) => {
      const [job] = await findJobs(open().database.queryable, [id]);
      if (job === undefined) throw new Error(`no job ${id}`);
      return job;
    },
    claim: async (
      tasks,
      { queue = tasks[0]?.queue ?? "", count = 1, choice = "best", goesOn = false } = {},
    ) => {
      const claimed: ClaimedJob[] = [];
      for (let nth = 0; nth < count; nth++) {
        const request = {
          queue,
          taskKeys: tasks.map(({ name, version }) => `${name}@${version}`),
          limit: 1,
          worker: { id: "00000000-0000-7000-8000-000000000001", name: "by hand" },
          leaseMs: 60_000,
          oldest: choice === "oldest" ? 1 : 0,
        };
        const next = await claimJobs(open().database, request, goesOn ? place : undefined);
        place = next.place;
        claimed.push(...next.jobs);
      }
      return claimed;
    },
  };
}
