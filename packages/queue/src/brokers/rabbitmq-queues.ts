import type { Logger } from "@millrace/kernel";
import { replyCode, withChannel } from "./amqp-connection.ts";
import type { AmqpConnection } from "./amqp-connection.ts";

const deadHints = "millrace.dead_hints";

/** What the server calls a queue of ours. */
export function brokerQueue(queue: string): string {
  return `millrace.${queue}`;
}

/**
 * Understood by 3.10 and by 4.x. No priorities, delays or times to live: those are the database's.
 * Whoever changes one of these must take another name for the queue, for the server refuses to have an
 * existing one declared otherwise.
 */
const hintQueueArguments = {
  "x-queue-type": "quorum",
  // Explicit, because 3.10 has no limit by itself. What was given back so often without an answer kills
  // those who read it.
  "x-delivery-limit": 20,
  // Nobody reads, it seems. One hint is as good as a hundred thousand, and new ones are kept where they are.
  "x-max-length": 100_000,
  "x-overflow": "reject-publish",
  "x-dead-letter-exchange": "",
  "x-dead-letter-routing-key": deadHints,
};

/** Keeps the newest for a person to look at; nothing reads them. */
const deadHintsArguments = {
  "x-queue-type": "quorum",
  "x-max-length": 10_000,
  "x-max-length-bytes": 64 * 1024 * 1024,
};

/** Where messages come to that are no hints. One that somebody has made otherwise does as well. */
export async function declareDeadHints(connection: AmqpConnection): Promise<void> {
  await withChannel(connection, (channel) =>
    channel.assertQueue(deadHints, { durable: true, arguments: deadHintsArguments }),
  ).catch((error: unknown) => {
    if (replyCode(error) !== 406) throw error;
  });
}

/** Declares the queues of hints, and remembers those that exist in the server with other arguments. */
export class RabbitMqQueues {
  readonly #logger: Logger;
  readonly #refusedPauseMs: number;
  /** By queue, when it may be tried again. */
  readonly #refusedUntilMs = new Map<string, number>();

  constructor(logger: Logger, refusedPauseMs: number) {
    this.#logger = logger;
    this.#refusedPauseMs = refusedPauseMs;
  }

  /** One of those that can't be used; undefined when there are none. */
  get refused(): string | undefined {
    return this.#refusedUntilMs.keys().next().value;
  }

  isRefused(queue: string): boolean {
    return this.#refusedUntilMs.has(queue);
  }

  /** False when it exists with other arguments, which is asked once a minute. Throws what else goes wrong. */
  async declare(connection: AmqpConnection, queue: string): Promise<boolean> {
    if ((this.#refusedUntilMs.get(queue) ?? 0) > performance.now()) return false;
    try {
      await withChannel(connection, (channel) =>
        channel.assertQueue(brokerQueue(queue), { durable: true, arguments: hintQueueArguments }),
      );
      this.#refusedUntilMs.delete(queue);
      return true;
    } catch (error) {
      if (replyCode(error) !== 406) throw error;
      if (!this.#refusedUntilMs.has(queue)) {
        this.#logger.warn({ err: error, queue }, otherArguments(queue));
      }
      this.#refusedUntilMs.set(queue, performance.now() + this.#refusedPauseMs);
      return false;
    }
  }
}

/** What is wrong and what to do about it. */
export function otherArguments(queue: string): string {
  return `RabbitMQ has a queue ${brokerQueue(queue)} with other arguments than Millrace's, and it is not used: jobs of this queue start with the next poll. Delete that queue in RabbitMQ; nothing is lost by it, and Millrace makes its own.`;
}
