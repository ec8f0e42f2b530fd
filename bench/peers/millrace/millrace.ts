import { isTerminal } from "@millrace/contracts";
import { migrate, openEmbedded, openPostgres } from "@millrace/database";
import type { Database } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { defineTask, handleBatchTask, handleTask, openBroker, Queue, settled } from "@millrace/queue";
import type { QueueWorker, Task } from "@millrace/queue";
import { z } from "zod";
import { ownerCount } from "../peer.ts";
import type { Peer, PeerName, PeerWorkerOptions } from "../peer.ts";
import { brokerOf } from "../place.ts";

const indexed = z.object({ index: z.number() });
type Indexed = z.infer<typeof indexed>;
const noOpOptions = { name: "bench.do_nothing", queue: "bench", input: indexed, output: indexed };
const noOp = defineTask<Indexed, Indexed>(noOpOptions);
const batchSize = 500;
const bestConcurrency = 1000;
/** As pg-boss: two claims under way, two batches at work. */
const bestConcurrencyInBatches = 4 * batchSize;

type Variant = {
  /** Where to connect; undefined for the embedded database. */
  readonly url?: string;
  readonly task: Task<Indexed, Indexed>;
  readonly isBatched?: boolean;
  /** Carries the hints; default the database itself. */
  readonly brokerUrl?: string | undefined;
};

/** Our queue on PostgreSQL, with everything on: history, results, events, fair share among owners. */
export async function openMillrace(connection: string): Promise<Peer> {
  return await open(connect(connection), { url: connection, task: noOp });
}

/** The same with a handler that takes up to 500 jobs at once. */
export async function openMillraceBatched(connection: string): Promise<Peer> {
  return await open(connect(connection), { url: connection, task: noOp, isBatched: true });
}

/** The same as the first with hints over Redis Streams. */
export async function openMillraceOnRedis(connection: string): Promise<Peer> {
  return await openWithBroker("millrace-redis", connection);
}

/** The same as the first with hints over RabbitMQ. */
export async function openMillraceOnRabbitMq(connection: string): Promise<Peer> {
  return await openWithBroker("millrace-rabbitmq", connection);
}

async function openWithBroker(peer: PeerName, connection: string): Promise<Peer> {
  return await open(connect(connection), { url: connection, task: noOp, brokerUrl: await brokerOf(peer) });
}

/** The same as the first with ended jobs that may be deleted at once. */
export async function openMillraceForgetting(connection: string): Promise<Peer> {
  const task = defineTask<Indexed, Indexed>({ ...noOpOptions, retention: { succeededDays: 0 } });
  return await open(connect(connection), { url: connection, task });
}

/** Our queue in the embedded database; one process both adds and works. */
export async function openMillraceEmbedded(folder: string): Promise<Peer> {
  return await open(await openEmbedded(folder), { task: noOp });
}

function connect(url: string): Database {
  return openPostgres({ url, poolSize: 10, logger: silentLogger });
}

async function open(
  database: Database,
  { url, task, isBatched = false, brokerUrl = url }: Variant,
): Promise<Peer> {
  await migrate(database);
  // What handlers do is known only when a worker is started; until then nobody calls it.
  let run: PeerWorkerOptions["run"] = () => undefined;
  const runOne = async ({ input }: { readonly input: Indexed }): Promise<Indexed> => {
    await run(input.index);
    return { index: input.index };
  };
  const handler = isBatched
    ? handleBatchTask({ task, maxSize: batchSize, run: (contexts) => settled(contexts.map(runOne)) })
    : handleTask({ task, run: runOne });
  // What one process adds wakes the worker of another, as in production.
  const broker =
    brokerUrl === undefined
      ? undefined
      : await openBroker({ url: brokerUrl, directUrl: url ?? "", database, logger: silentLogger });
  await broker?.start();
  const queue = new Queue({
    database,
    logger: silentLogger,
    handlers: [handler],
    ...(broker === undefined ? {} : { broker }),
  });
  const owned = (index: number) => ({ owner: `owner-${index % ownerCount}` });
  let worker: QueueWorker | undefined;
  return {
    add: ({ index }) => queue.add(task, { index }, owned(index)),
    addMany: (jobs) =>
      queue.addMany(jobs.map(({ index }) => ({ task, input: { index }, options: owned(index) }))),
    startWorker: async (options) => {
      run = options.run;
      worker = queue.createWorker({
        name: "bench",
        concurrency: options.concurrency ?? (isBatched ? bestConcurrencyInBatches : bestConcurrency),
        leaseMs: 30_000,
        beatMs: 5_000,
        pollMs: 500,
        drainMs: 1_000,
        ...(url === undefined ? {} : { heartbeatUrl: url }),
      });
      await worker.start();
    },
    countUnfinished: async () => {
      const counts = await queue.control.countJobs();
      return counts.filter(({ state }) => !isTerminal(state)).reduce((sum, { count }) => sum + count, 0);
    },
    close: async () => {
      await worker?.stop();
      await broker?.stop();
      await database.close();
    },
  };
}
