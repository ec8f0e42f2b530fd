import { setTimeout as delay } from "node:timers/promises";
import { PgBoss } from "pg-boss";
import { z } from "zod";
import type { Peer, PeerWorkerOptions } from "../peer.ts";

const queue = "bench";
const batchSize = 500;
const idleMs = 500;

type Input = { index: number };
/** Begins to process; resolves with how to end. */
type StartWorker = (boss: PgBoss, options: PeerWorkerOptions) => Promise<() => Promise<unknown>>;

/**
 * pg-boss job by job: loops of fetch and complete, of which 20 were fastest. Its own `work` would
 * wait half a second between two batches of one.
 */
export async function openPgBoss(connection: string): Promise<Peer> {
  return await open(connection, async (boss, { concurrency = 20, run }) => {
    const stopping = new AbortController();
    const loop = async (): Promise<void> => {
      while (!stopping.signal.aborted) {
        const [job] = await boss.fetch<Input>(queue);
        if (job === undefined) await delay(idleMs);
        else {
          await run(job.data.index);
          await boss.complete(queue, job.id, { index: job.data.index });
        }
      }
    };
    const loops = Promise.all(Array.from({ length: concurrency }, loop));
    return async () => {
      stopping.abort();
      await loops;
    };
  });
}

/**
 * pg-boss in batches of 500, four at once, the next one as soon as one is done; woken by NOTIFY. A
 * batch is completed as one, so its jobs share one output.
 */
export async function openPgBossBatched(connection: string): Promise<Peer> {
  return await open(connection, async (boss, { concurrency = 4 * batchSize, run }) => {
    const options = {
      batchSize: Math.min(batchSize, concurrency),
      localConcurrency: Math.ceil(concurrency / batchSize),
      pollingIntervalSeconds: idleMs / 1000,
      burstWhenBatchFull: true,
    };
    await boss.work<Input>(queue, options, async (jobs) => {
      await Promise.all(jobs.map(async ({ data }) => await run(data.index)));
      return { index: jobs[0]?.data.index };
    });
    return () => boss.offWork(queue);
  });
}

async function open(connection: string, startWorker: StartWorker): Promise<Peer> {
  const boss = new PgBoss({ connectionString: connection, max: 10, schedule: false, useListenNotify: true });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  await boss.createQueue(queue, { notify: true });
  let stopWorker = async (): Promise<unknown> => undefined;
  return {
    add: (job) => boss.send(queue, job),
    addMany: (jobs) =>
      boss.insert(
        queue,
        jobs.map((data) => ({ data })),
      ),
    startWorker: async (options) => {
      stopWorker = await startWorker(boss, options);
    },
    countUnfinished: async () => {
      const statement = `SELECT count(*)::int AS count FROM pgboss.job WHERE name = $1 AND state < 'completed'`;
      const { rows } = await boss.getDb().executeSql(statement, [queue]);
      return z.tuple([z.object({ count: z.number() })]).parse(rows)[0].count;
    },
    close: async () => {
      await stopWorker();
      await boss.stop({ graceful: false });
    },
  };
}
