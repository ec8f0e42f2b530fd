import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import type { Peer } from "../peer.ts";

const name = "bench";

/**
 * BullMQ. Pipelining is on, and 50 jobs at once: of 20, 50, 200 and 1,000 that was fastest. Ended
 * jobs are kept, as ours are; deleting them is no faster.
 */
export async function openBullmq(connection: string): Promise<Peer> {
  const queueConnection = connect(connection);
  const queue = new Queue(name, {
    connection: queueConnection,
    defaultJobOptions: { removeOnComplete: false },
  });
  await queue.waitUntilReady();
  const closing: (() => Promise<unknown>)[] = [];
  return {
    add: (job) => queue.add("no_op", job),
    addMany: (jobs) => queue.addBulk(jobs.map((data) => ({ name: "no_op", data }))),
    startWorker: async ({ concurrency = 50, run }) => {
      const workerConnection = connect(connection);
      const worker = new Worker<{ index: number }>(
        name,
        async ({ data }) => {
          await run(data.index);
          return { index: data.index };
        },
        { connection: workerConnection, concurrency },
      );
      worker.on("error", (error) => console.error(error));
      closing.push(
        () => worker.close(true),
        () => workerConnection.quit(),
      );
      await worker.waitUntilReady();
    },
    countUnfinished: () => queue.getJobCountByTypes("waiting", "active", "delayed", "prioritized"),
    close: async () => {
      for (const close of closing) await close();
      await queue.close();
      await queueConnection.quit();
    },
  };
}

function connect(url: string): Redis {
  return new Redis(url, { maxRetriesPerRequest: null, enableAutoPipelining: true });
}
