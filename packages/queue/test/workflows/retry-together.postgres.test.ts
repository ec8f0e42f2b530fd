import { openPostgres } from "@millrace/database";
import type { Database } from "@millrace/database";
import { errorCode, silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMemoryBroker } from "../../src/brokers/memory-broker.ts";
import { chord, Queue, step } from "../../src/index.ts";
import { findQueueProblems } from "../../src/integrity/find-problems.ts";
import { endJob } from "../../src/jobs/end-job.ts";
import { lockJob } from "../../src/jobs/lock-job.ts";
import { TaskRegistry } from "../../src/tasks/task-registry.ts";
import { stopMembers } from "../../src/workflows/stop-members.ts";
import { useQueue } from "../features/use-queue.ts";
import { double, plainHandlers, sum } from "./tasks.ts";

const rounds = 6;
const atOnce = 8;
const timeoutMs = 180_000;
const failure = { state: "failed", error: { code: "is_broken", message: "It is broken." } } as const;
/** What the one who comes later is told. */
const refusals = new Set<unknown>(["job_not_ended", "workflow_not_retryable", "workflow_job_was_skipped"]);

type Stopped = { readonly workflowId: string; readonly members: readonly string[]; readonly body: string };

/** Rows of members, and that of the workflow: who takes them in different orders waits for ever. */
describe.each(testDatabases().filter(({ name }) => name === "postgres"))(
  "members of a stopped group that several people retry at once on $name",
  (kind) => {
    const opened = useQueue(kind);
    let racing: Database;
    let queue: Queue;
    beforeEach(() => {
      racing = openPostgres({ url: opened.url ?? "", poolSize: 5 * atOnce, logger: silentLogger });
      queue = new Queue({ database: racing, logger: silentLogger, handlers: plainHandlers });
    });
    afterEach(() => racing.close());

    /** A group of which one member has failed, the others were stopped, and the body never came. */
    const stop = async (failed: number): Promise<Stopped> => {
      const { id } = await queue.workflows.start(
        chord(
          [1, 2, 3, 4].map((n) => step(double, n)),
          step(sum),
        ),
      );
      const found = await sql<{ job_id: string; task: string }>`
        SELECT node.job_id, job.task FROM workflow_node AS node JOIN job ON job.id = node.job_id
        WHERE node.workflow_id = ${id} ORDER BY node.job_id`.execute(racing.queryable);
      const idsOf = (task: string): string[] =>
        found.rows.filter((row) => row.task === task).map((row) => row.job_id);
      const members = idsOf(double.name);
      const parts = {
        bus: queue.bus,
        broker: createMemoryBroker(),
        registry: new TaskRegistry(plainHandlers),
        onCancelRequested: () => undefined,
      };
      await queue.transaction(async (scope) => {
        const job = await lockJob(scope.transaction, members[failed] ?? "");
        if (job !== undefined) await endJob(scope, parts, job, failure);
      });
      await stopMembers({ ...parts, database: racing }, id);
      return { workflowId: id, members, body: idsOf(sum.name)[0] ?? "" };
    };
    const retry = (id: string): Promise<unknown> =>
      queue.transaction((scope) => queue.retry(scope, id)).catch(unlessRefused);
    /** What several do to each of many stopped groups at the same time. Gives how often they waited for ever. */
    const race = async (work: (stopped: Stopped) => readonly Promise<unknown>[]): Promise<number> => {
      for (let round = 0; round < rounds; round++) {
        const stopped = await Promise.all(Array.from({ length: atOnce }, (_none, nth) => stop(nth % 4)));
        await Promise.all(stopped.flatMap(work));
        for (const { workflowId } of stopped) {
          expect(await queue.workflows.get(workflowId)).toMatchObject({ state: "running", ended_jobs: 0 });
        }
      }
      return await countDeadlocks();
    };
    const countDeadlocks = async (): Promise<number> => {
      // What a connection has counted is known at the latest when it is closed.
      await racing.close();
      const found = await sql<{ deadlocks: number }>`
        SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`.execute(
        opened.database.queryable,
      );
      return found.rows[0]?.deadlocks ?? Number.NaN;
    };

    it("wait for nobody who waits for them, and all run again", { timeout: timeoutMs }, async () => {
      const deadlocks = await race(({ members }) => members.map(retry));

      expect(deadlocks).toBe(0);
      expect(await findQueueProblems(opened.database.queryable)).toEqual([]);
    });

    it("neither do they with their body, which is refused", { timeout: timeoutMs }, async () => {
      const deadlocks = await race(({ members, body }) => [...members, body].map(retry));

      expect(deadlocks).toBe(0);
      expect(await findQueueProblems(opened.database.queryable)).toEqual([]);
    });

    it("neither do they with the whole workflow, and with many jobs", { timeout: timeoutMs }, async () => {
      const deadlocks = await race(({ workflowId, members, body }) => [
        queue.workflows.retry(workflowId).catch(unlessRefused),
        queue.control.retryJobs({ ids: members.toReversed(), owners: [null] }),
        queue.control.retryJobs({ ids: [...members, body], owners: [null] }),
        ...members.map(retry),
      ]);

      expect(deadlocks).toBe(0);
      expect(await findQueueProblems(opened.database.queryable)).toEqual([]);
    });
  },
);

function unlessRefused(error: unknown): void {
  if (!refusals.has(errorCode(error))) throw error;
}
