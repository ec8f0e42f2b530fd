import { jsonText, openPostgres } from "@millrace/database";
import type { Database } from "@millrace/database";
import { errorCode, silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMemoryBroker } from "../../src/brokers/memory-broker.ts";
import { chain, Queue, step } from "../../src/index.ts";
import { findQueueProblems } from "../../src/integrity/find-problems.ts";
import type { ClaimedJob } from "../../src/jobs/job-row.ts";
import { succeedMembers } from "../../src/jobs/succeed-jobs.ts";
import { TaskRegistry } from "../../src/tasks/task-registry.ts";
import { useQueue } from "../features/use-queue.ts";
import { keep, plainHandlers } from "./tasks.ts";

const worker = { id: "00000000-0000-7000-8000-000000000001", name: "by hand" };
const atOnce = 25;
const timeoutMs = 120_000;
/** By night a thousand of the first, two hundred of each of the others. */
const rounds = process.env.MILLRACE_NIGHTLY === "1" ? { alone: 40, together: 8 } : { alone: 10, together: 3 };

function unlessFinished(error: unknown): void {
  if (errorCode(error) !== "already_finished") throw error;
}

/** The row of the workflow, and that of the blocked job: who takes them in different orders waits for ever. */
describe.each(testDatabases().filter(({ name }) => name === "postgres"))(
  "a blocked member that is cancelled while it is released, again and again on $name",
  (kind) => {
    const opened = useQueue(kind);
    let racing: Database;
    let queue: Queue;
    beforeEach(() => {
      racing = openPostgres({ url: opened.url ?? "", poolSize: 2 * atOnce, logger: silentLogger });
      queue = new Queue({ database: racing, logger: silentLogger, handlers: plainHandlers });
    });
    afterEach(() => racing.close());

    const end = (job: ClaimedJob) =>
      succeedMembers(
        {
          database: racing,
          bus: queue.bus,
          broker: createMemoryBroker(),
          registry: new TaskRegistry(plainHandlers),
          worker,
        },
        [{ id: job.id, fence: job.fence, output: jsonText(1), keptDays: null, job }],
      );
    const blockedOf = async (workflowId: string): Promise<string> => {
      const found = await sql<{ id: string }>`
        SELECT job_id AS id FROM workflow_node WHERE workflow_id = ${workflowId} AND state = 'blocked' AND position = 1`.execute(
        racing.queryable,
      );
      return found.rows[0]?.id ?? "";
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

    /** `cancel` and the end of what goes before, at the same time. */
    const race = async (
      times: number,
      cancel: (blocked: string, workflowId: string) => Promise<unknown>,
    ): Promise<void> => {
      for (let round = 0; round < times; round++) {
        for (let nth = 0; nth < atOnce; nth++) {
          await queue.workflows.start(chain(step(keep, 1), step(keep), step(keep)));
        }
        const claimed = await opened.claim([keep], { count: atOnce });
        const contests = await Promise.all(
          claimed.map(async (job) => ({ job, blocked: await blockedOf(job.workflow_id ?? "") })),
        );
        await Promise.all(
          contests.flatMap(({ job, blocked }) => [cancel(blocked, job.workflow_id ?? ""), end(job)]),
        );
      }
    };

    it("waits for nobody who waits for it, and ends", { timeout: timeoutMs }, async () => {
      const answers = new Set<unknown>();

      await race(rounds.alone, async (blocked) => {
        answers.add(await queue.transaction((scope) => queue.cancel(scope, blocked)));
      });

      expect(await countDeadlocks()).toBe(0);
      expect([...answers]).toEqual(["cancelled"]);
      expect(await findQueueProblems(opened.database.queryable)).toEqual([]);
    });

    it("neither does it with many that are cancelled together", { timeout: timeoutMs }, async () => {
      await race(rounds.together, (blocked) => queue.control.cancelJobs({ ids: [blocked], owners: [null] }));

      expect(await countDeadlocks()).toBe(0);
      expect(await findQueueProblems(opened.database.queryable)).toEqual([]);
    });

    it("neither does it when its workflow is cancelled too", { timeout: timeoutMs }, async () => {
      await race(rounds.together, async (blocked, workflowId) => {
        await Promise.all([
          queue.transaction((scope) => queue.cancel(scope, blocked)),
          queue.workflows.cancel(workflowId).catch(unlessFinished),
        ]);
      });

      expect(await countDeadlocks()).toBe(0);
      expect(await findQueueProblems(opened.database.queryable)).toEqual([]);
    });
  },
);
