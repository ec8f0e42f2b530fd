import { RedisConnection } from "@millrace/cache";
import type { Database } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { openTestDatabase, startRedisServer, waitFor } from "@millrace/testing";
import type { RedisServer } from "@millrace/testing";
import { Redis } from "ioredis";
import { z } from "zod";
import { createRedisMirrorStore, defineTask, handleTask, Queue } from "../../src/index.ts";
import type { JobContext, MirrorStore, QueueWorker } from "../../src/index.ts";

export const work = defineTask({
  name: "tests.work",
  queue: "tests",
  input: z.object({ say: z.string() }),
  output: z.object({ said: z.string() }),
  retries: 0,
});

export const secretWork = defineTask({
  name: "tests.secret_work",
  queue: "tests",
  input: z.object({ password: z.string() }),
  output: z.object({ token: z.string(), count: z.number() }),
  redact: ["password", "token"],
  retries: 0,
});

export type Run = (context: JobContext<{ say: string }>) => Promise<{ said: string }>;

/** One more process at the database and at Redis, as far as the queue is concerned. */
export type OpenedProcess = {
  readonly queue: Queue;
  readonly store: MirrorStore;
  readonly redis: RedisConnection;
  readonly startWorker: () => Promise<QueueWorker>;
};

/** A database and a Redis of a test file's own. */
export class MirrorScene {
  readonly database: Database;
  readonly server: RedisServer;
  /** To look at what is there, and to spoil it. */
  readonly client: Redis;
  readonly #endings: (() => Promise<unknown>)[] = [];

  constructor(database: Database, server: RedisServer) {
    this.database = database;
    this.server = server;
    this.client = new Redis(server.url, { lazyConnect: true });
    this.client.on("error", () => undefined);
  }

  static async open(): Promise<MirrorScene> {
    const database = await openTestDatabase();
    return new MirrorScene(database, await startRedisServer());
  }

  async close(): Promise<void> {
    this.client.disconnect();
    await this.server.kill();
    await this.database.close();
  }

  /** After each test, the last first. */
  async clear(): Promise<void> {
    this.server.resume();
    for (const end of this.#endings.splice(0).toReversed()) await end();
    await this.client.flushall();
  }

  /** `timeoutMs` of a command: so long that a busy machine is not taken for a Redis that hangs. */
  async openProcess(
    run: Run = async ({ input }) => ({ said: input.say }),
    timeoutMs = 2_000,
  ): Promise<OpenedProcess> {
    const { database, server } = this;
    const redis = new RedisConnection({
      url: server.url,
      logger: silentLogger,
      timeoutMs,
      purpose: "copies",
    });
    const store = createRedisMirrorStore({ redis, prefix: "millrace:" });
    const queue = new Queue({
      database,
      logger: silentLogger,
      handlers: [
        handleTask({ task: work, run }),
        handleTask({
          task: secretWork,
          run: async ({ input }) => ({ token: `t-${input.password}`, count: 3 }),
        }),
      ],
      mirror: store,
    });
    this.#endings.push(() => redis.stop());
    await redis.start();
    this.#endings.push(async () => queue.mirror?.stop());
    await queue.mirror?.start();
    const startWorker = async () => {
      const worker = queue.createWorker({ name: "w", concurrency: 8, pollMs: 50, drainMs: 100 });
      this.#endings.push(() => worker.stop());
      await worker.start();
      return worker;
    };
    return { queue, store, redis, startWorker };
  }

  /** The copy in Redis when it says this of the job's state. */
  copied(id: string, state: string): Promise<Record<string, string>> {
    return waitFor(
      async () => {
        const found = await this.client.hgetall(`millrace:job:${id}`);
        return found.job?.includes(`"state":"${state}"`) === true && found;
      },
      { describe: `the copy of ${id} to be ${state}` },
    );
  }
}
