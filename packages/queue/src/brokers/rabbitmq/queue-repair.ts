import { randomUUID } from "node:crypto";
import { sleep, toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { isRefusal, replyCode, withAmqpConnection, withChannel } from "./amqp-connection.ts";
import type { AmqpConnection } from "./amqp-connection.ts";
import { brokerQueue, hintQueueArguments } from "./hint-queue.ts";
import { SuspectQueues } from "./suspect-queues.ts";

/** How long RabbitMQ may take to delete a queue: it asks one that has lost its nodes for 5 s, twice at most. */
const deletionMs = 30_000;

export type QueueRepairParts = {
  readonly url: string;
  readonly name: string;
  readonly logger: Logger;
  readonly times: {
    readonly answerMs: number;
    /** Between two tries whether a queue answers. */
    readonly tryEveryMs: number;
    /** The least time between two times that this process replaces the same queue. */
    readonly replaceEveryMs: number;
  };
  /** Called with one that can be used. Hints of it may have been missed. */
  readonly onUsable: (queue: string) => void;
  /** Called with one that the server does not let us use. */
  readonly onRefused: (queue: string, error: Error) => void;
};

/**
 * Tries queues that did not answer, over connections of their own: the server closes the one of whoever asks
 * such a queue. One that stays without an answer, while a queue made at that moment answers, has lost what it
 * was kept in, as a full disk does to quorum queues, and does not come back: it is deleted and made anew, with
 * no loss but of hints. Of several processes one does it, and the others find it well.
 */
export class QueueRepair {
  readonly #parts: QueueRepairParts;
  readonly #suspects: SuspectQueues;
  readonly #ending = new AbortController();
  readonly #troubles = new Set<string>();
  #running: Promise<void> | undefined;
  /** False while not even new queues can be used. */
  #isServing = true;
  #replaced = 0;

  constructor(parts: QueueRepairParts) {
    this.#parts = parts;
    this.#suspects = new SuspectQueues(parts.times);
  }

  /** How many were replaced since the start. */
  get replaced(): number {
    return this.#replaced;
  }

  /** In words for an operator; undefined when all queues answer, as far as is known. */
  get trouble(): string | undefined {
    return this.#troubles.values().next().value;
  }

  isSuspect(queue: string): boolean {
    return this.#suspects.has(queue);
  }

  /** It did not answer. Until it is found to do so it is not to be used. */
  suspect(queue: string): void {
    if (this.#ending.signal.aborted) return;
    this.#suspects.add(queue);
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (this.#suspects.names.length > 0 && !signal.aborted) {
      const nextMs = performance.now() + this.#parts.times.tryEveryMs;
      await this.#tryAll();
      if (this.#suspects.names.length === 0) break;
      await sleep(Math.max(0, nextMs - performance.now()), signal).catch(() => undefined);
    }
    this.#troubles.clear();
    this.#running = undefined;
  }

  /** All at once: one that does not answer takes the whole time for it. */
  async #tryAll(): Promise<void> {
    // Each would cost a server a connection that serves none of them.
    if (!this.#isServing && !(await this.#servesNewQueues())) return;
    const silent = new Map<string, Error>();
    await Promise.all(
      this.#suspects.names.map(async (queue) => {
        const failure = await this.#findFailure(queue);
        if (failure !== undefined) silent.set(queue, failure);
      }),
    );
    if (silent.size === 0) return;
    // Otherwise it is not the queues that are broken.
    if (!(await this.#servesNewQueues())) return this.#suspects.excuse();
    for (const [queue, failure] of silent) this.#say(silentQueue(queue), failure);
    const due = [...silent.keys()].filter((queue) => this.#suspects.isToBeReplaced(queue, performance.now()));
    await Promise.all(due.map((queue) => this.#replace(queue)));
  }

  /** Takes a message and gives it back. Undefined when that worked, and it is no suspect any more. */
  async #findFailure(queue: string): Promise<Error | undefined> {
    try {
      await this.#connect("tries a queue", (connection) => tryQueue(connection, queue));
      this.#clear(queue);
      this.#parts.onUsable(queue);
    } catch (error) {
      const code = replyCode(error);
      // Whoever uses it next makes it.
      const isGone = code === 404;
      const isRefused = isRefusal(error);
      if (!isGone && !isRefused) return toError(error);
      this.#clear(queue);
      if (isRefused) this.#parts.onRefused(queue, toError(error));
    }
    return undefined;
  }

  #clear(queue: string): void {
    this.#suspects.clear(queue);
    this.#troubles.delete(silentQueue(queue));
  }

  async #servesNewQueues(): Promise<boolean> {
    let isConnected = false;
    try {
      await this.#connect("tries a new queue", async (connection) => {
        isConnected = true;
        await tryNewQueue(connection);
      });
      this.#isServing = true;
      this.#troubles.delete(noQueues);
      return true;
    } catch (error) {
      // We may lack the right to make one.
      this.#isServing = isRefusal(error);
      // Of a server that can't be reached those say it who use it.
      if (isConnected && !this.#isServing) this.#say(noQueues, toError(error));
      return false;
    }
  }

  async #replace(queue: string): Promise<void> {
    const { logger } = this.#parts;
    try {
      const isReplaced = await this.#connect(
        "replaces a queue",
        (connection) => this.#replaceOver(connection, queue),
        deletionMs,
      );
      if (!isReplaced) return;
      this.#replaced++;
      logger.warn(
        { code: "broker_queue_replaced", queue },
        `RabbitMQ could no longer serve the queue ${brokerQueue(queue)}: it was deleted and made anew. The hints in it are lost; the poll finds their jobs.`,
      );
      await this.#findFailure(queue);
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      logger.warn(
        { code: "broker_queue_not_replaced", queue, err: toError(error) },
        `RabbitMQ can no longer serve the queue ${brokerQueue(queue)}, and it could not be replaced. Delete it in RabbitMQ; nothing is lost by it, and Millrace makes its own.`,
      );
    }
  }

  /** False when it is not to be replaced: another process is about it, or has done it in the meantime. */
  async #replaceOver(connection: AmqpConnection, queue: string): Promise<boolean> {
    if (!(await lock(connection, queue))) return false;
    if ((await this.#findFailure(queue)) === undefined) return false;
    await withChannel(connection, (channel) => channel.deleteQueue(brokerQueue(queue)));
    await withChannel(connection, (channel) =>
      channel.assertQueue(brokerQueue(queue), { durable: true, arguments: hintQueueArguments }),
    );
    return true;
  }

  async #connect<Result>(
    purpose: string,
    work: (connection: AmqpConnection) => Promise<Result>,
    answerMs = this.#parts.times.answerMs,
  ): Promise<Result> {
    const { url, name } = this.#parts;
    const { signal } = this.#ending;
    return await withAmqpConnection({ url, name: `${name} ${purpose}`, answerMs, signal }, work);
  }

  #say(trouble: string, error: Error): void {
    if (this.#ending.signal.aborted || this.#troubles.has(trouble)) return;
    this.#troubles.add(trouble);
    this.#parts.logger.warn({ err: error }, trouble);
  }
}

/** The server has closed the connection, since it could not do what was asked of a queue. */
export function isBrokenQueue(error: unknown): boolean {
  return replyCode(error) === 541;
}

/** Takes a message and gives it back. A broken quorum queue can be declared all the same. */
export async function tryQueue(connection: AmqpConnection, queue: string): Promise<void> {
  await withChannel(connection, async (channel) => {
    const message = await channel.get(brokerQueue(queue));
    if (message !== false) channel.nack(message);
  });
}

/** The names of our own queues have no dots. What is left of it when we die, the server deletes. */
async function tryNewQueue(connection: AmqpConnection): Promise<void> {
  const name = `millrace.repair.${randomUUID()}`;
  await withChannel(connection, async (channel) => {
    await channel.assertQueue(name, {
      durable: true,
      arguments: { "x-queue-type": "quorum", "x-expires": 60_000 },
    });
    await channel.get(name, { noAck: true });
    await channel.deleteQueue(name);
  });
}

/** Held while the connection lasts; false when another connection holds it. */
async function lock(connection: AmqpConnection, queue: string): Promise<boolean> {
  try {
    await withChannel(connection, (channel) =>
      channel.assertQueue(`millrace.repair.${queue}`, { exclusive: true, durable: false }),
    );
    return true;
  } catch (error) {
    if (replyCode(error) === 405) return false;
    throw error;
  }
}

const noQueues =
  "RabbitMQ is there and serves no quorum queues: jobs start with the next poll. After a full disk it does again when it is started anew.";

function silentQueue(queue: string): string {
  return `RabbitMQ does not serve the queue ${brokerQueue(queue)}: jobs of this queue start with the next poll. Millrace replaces it if it stays so.`;
}
