/** Processes at one database, played by queues with pools of their own, that tell each other what happens. */
import { openPostgres } from "@millrace/database";
import { newId, silentLogger } from "@millrace/kernel";
import { createLiveHub } from "@millrace/live";
import type { LiveHub } from "@millrace/live";
import { createEventExchange, createPostgresRelay, createRedisRelay, Queue } from "@millrace/queue";
import type { AnyTaskHandler, EventExchange } from "@millrace/queue";
import { startFaultProxy, testDatabases, waitFor } from "@millrace/testing";
import type { FaultProxy, TestDatabase } from "@millrace/testing";

/** Nothing in these tests may be found by polling. */
const hourMs = 3_600_000;
/** Short, because a test waits for them. What is given for an answer must do for a busy machine. */
const times = { lookEveryMs: 50, answerMs: 2_000, minPauseMs: 20, maxPauseMs: 50 };

export type Process = { readonly queue: Queue; readonly exchange: EventExchange };
export type WatchingProcess = Process & { readonly hub: LiveHub };

export class ExchangeScene {
  /** Between the processes and what carries their news. */
  readonly proxy: FaultProxy;
  readonly #kind: "postgres" | "redis";
  readonly #database: TestDatabase;
  readonly #url: string;
  readonly #relayUrl: string;
  readonly #prefix = `test-${newId()}:`;
  readonly #endings: (() => Promise<unknown>)[] = [];

  private constructor(parts: {
    kind: "postgres" | "redis";
    database: TestDatabase;
    url: string;
    relayUrl: string;
    proxy: FaultProxy;
  }) {
    this.#kind = parts.kind;
    this.#database = parts.database;
    this.#url = parts.url;
    this.#relayUrl = parts.proxy.through(parts.relayUrl);
    this.proxy = parts.proxy;
  }

  static async open(kind: "postgres" | "redis"): Promise<ExchangeScene> {
    const database = await testDatabases()
      .find(({ name }) => name === "postgres")
      ?.open();
    const url = database?.url;
    const relayUrl = kind === "postgres" ? url : process.env["MILLRACE_TEST_REDIS_URL"];
    if (database === undefined || url === undefined || relayUrl === undefined) {
      throw new Error(`these tests need PostgreSQL and ${kind}`);
    }
    const proxy = await startFaultProxy({ target: relayUrl });
    return new ExchangeScene({ kind, database, url, relayUrl, proxy });
  }

  /** Called at the end of the scene, the last first. */
  atEnd(end: () => Promise<unknown>): void {
    this.#endings.push(end);
  }

  /** A process that tells, and does not hear. */
  async start(handlers: readonly AnyTaskHandler[] = []): Promise<Process> {
    const database = openPostgres({ url: this.#url, poolSize: 4, logger: silentLogger });
    this.atEnd(() => database.close());
    const queue = new Queue({ database, logger: silentLogger, handlers });
    const relay =
      this.#kind === "postgres"
        ? createPostgresRelay({ database, listenUrl: this.#relayUrl, logger: silentLogger, times })
        : createRedisRelay({ url: this.#relayUrl, logger: silentLogger, prefix: this.#prefix, times });
    const exchange = createEventExchange({
      bus: queue.bus,
      relay,
      logger: silentLogger,
      times: { retryMs: 20 },
    });
    this.atEnd(() => exchange.stop());
    await exchange.start();
    return { queue, exchange };
  }

  /** A process in which somebody watches. It never looks unasked. */
  async startWatching(): Promise<WatchingProcess> {
    const { queue, exchange } = await this.start();
    const hub = createLiveHub({
      feed: queue.feed,
      logger: silentLogger,
      tailPollMs: hourMs,
      lookEveryMs: 50,
    });
    this.atEnd(() => hub.stop());
    await hub.start();
    exchange.hear();
    await this.untilHearing(exchange);
    return { queue, exchange, hub };
  }

  async untilHearing(exchange: EventExchange): Promise<void> {
    await waitFor(() => exchange.status().isHearing, { describe: "the process to hear" });
  }

  async close(): Promise<void> {
    for (const end of this.#endings.splice(0).toReversed()) await end();
    await this.proxy.stop();
    await this.#database.close();
  }
}

/** Commits the next events of a stream. */
export async function append({ queue }: Process, stream: string, count = 1): Promise<void> {
  const event = { stream, owner: "local", type: "document.progressed", data: {} };
  await queue.transaction((scope) =>
    queue.appendEvents(
      scope,
      Array.from({ length: count }, () => event),
    ),
  );
}

/** Takes the numbers of a stream as they come, from the first on. */
export function follow({ hub }: WatchingProcess, stream: string, signal: AbortSignal): number[] {
  const seen: number[] = [];
  const take = async (): Promise<void> => {
    for await (const step of hub.follow({ stream, since: 0, signal })) {
      if (step.kind === "events") seen.push(...step.events.map(({ seq }) => seq));
      else seen.push(-1);
    }
  };
  void take();
  return seen;
}
