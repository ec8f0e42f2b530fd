import { Logger, makeWorkerUtils, run as runWorker } from "graphile-worker";
import type { Runner } from "graphile-worker";
import { z } from "zod";
import type { Peer } from "../peer.ts";

const task = "no_op";
const input = z.object({ index: z.number() });
/** It writes a line for every job otherwise. */
const logger = new Logger(() => () => undefined);
const maxPoolSize = 10;

/** graphile-worker job by job: ten at once, as many as it has connections, were fastest. */
export async function openGraphileWorker(connection: string): Promise<Peer> {
  return await open(connection, 10, {});
}

/**
 * graphile-worker with everything batched: jobs fetched a thousand at a time into a queue of the
 * process, completions of one turn of the event loop written together.
 */
export async function openGraphileWorkerBatched(connection: string): Promise<Peer> {
  return await open(connection, 50, {
    localQueue: { size: 1000 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  });
}

async function open(
  connectionString: string,
  bestConcurrency: number,
  settings: GraphileConfig.WorkerOptions,
): Promise<Peer> {
  const utils = await makeWorkerUtils({ connectionString, logger, maxPoolSize });
  await utils.migrate();
  let runner: Runner | undefined;
  return {
    add: (job) => utils.addJob(task, job),
    addMany: (jobs) => utils.addJobs(jobs.map((payload) => ({ identifier: task, payload }))),
    startWorker: async ({ concurrency = bestConcurrency, run }) => {
      runner = await runWorker({
        noHandleSignals: true,
        preset: {
          worker: {
            connectionString,
            logger,
            maxPoolSize,
            concurrentJobs: concurrency,
            pollInterval: 500,
            ...settings,
          },
        },
        // It keeps no outputs.
        taskList: { [task]: async (payload) => await run(input.parse(payload).index) },
      });
    },
    countUnfinished: () =>
      utils.withPgClient(async (client) => {
        // Ended jobs are deleted.
        const { rows } = await client.query<{ count: number }>(
          "SELECT count(*)::int AS count FROM graphile_worker._private_jobs",
        );
        return rows[0]?.count ?? 0;
      }),
    close: async () => {
      await runner?.stop();
      await utils.release();
    },
  };
}
