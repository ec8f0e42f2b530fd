import { silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import { sql } from "kysely";
import { afterEach, describe, expect, it } from "vitest";
import { createMemoryBroker } from "../../src/brokers/memory-broker.ts";
import { findQueueProblems } from "../../src/integrity/find-problems.ts";
import { TaskRegistry } from "../../src/tasks/task-registry.ts";
import { createMaintenance } from "../../src/worker/maintenance.ts";
import { queueChores } from "../../src/worker/queue-chores.ts";
import { useQueue } from "../features/use-queue.ts";
import { chordOf, member } from "./chord-tasks.ts";
import { KilledWorkers } from "./killed-workers.ts";

const members = 1_000;

/** On PostgreSQL, with three worker processes that die at random. */
describe.each(testDatabases().filter(({ name }) => name === "postgres"))(
  "a chord of a thousand on $name",
  (kind) => {
    const opened = useQueue(kind);
    let workers: KilledWorkers | undefined;
    const upkeep: { readonly stop: () => Promise<void> }[] = [];
    afterEach(async () => {
      await workers?.stop();
      for (const service of upkeep.splice(0)) await service.stop();
    });

    it("runs its body once, with all results, however often workers are killed", async () => {
      const queue = opened.createQueue([], { tasks: [member] });
      const parts = {
        database: opened.database,
        whole: opened.database,
        control: queue.control,
        logger: silentLogger,
        bus: queue.bus,
        broker: createMemoryBroker(),
        registry: new TaskRegistry([]),
      };
      const service = createMaintenance(
        { logger: silentLogger },
        {
          pollMs: 50,
          chores: queueChores(parts, {
            pollMs: 50,
            reapEveryMs: 100,
            leaseMs: 2_000,
            isHeld: () => false,
            onLost: () => undefined,
          }),
        },
      );
      upkeep.push(service);
      await service.start();
      workers = new KilledWorkers(["url", opened.url ?? ""], 20_261_121);
      const started = await queue.workflows.start(chordOf(members));

      workers.start(3, 15);

      expect(await queue.workflows.waitForEnd(started.id, { timeoutMs: 240_000 })).toMatchObject({
        state: "succeeded",
        total_jobs: members + 1,
        ended_jobs: members + 1,
        failed_jobs: 0,
      });
      expect(workers.deaths).toBeGreaterThan(5);
      expect(await queue.workflows.result(started)).toEqual({
        count: members,
        sum: (members * (members - 1)) / 2,
      });
      const bodies = await sql<{ jobs: number; successes: number }>`
      SELECT count(DISTINCT job.id) AS jobs, count(*) FILTER (WHERE outcome = 'succeeded') AS successes
      FROM job JOIN ended_attempt ON job_id = job.id WHERE task = 'tests.chord_body'`.execute(
        opened.database.queryable,
      );
      expect(bodies.rows).toEqual([{ jobs: 1, successes: 1 }]);
      await workers.stop();
      expect(await findQueueProblems(opened.database.queryable)).toEqual([]);
    }, 300_000);
  },
);
