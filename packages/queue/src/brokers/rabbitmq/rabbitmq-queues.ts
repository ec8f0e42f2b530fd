import type { Logger } from "@millrace/kernel";
import { replyCode, withAmqpConnection, withChannel } from "./amqp-connection.ts";
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

export type QueuesParts = {
  readonly url: string;
  readonly name: string;
  readonly logger: Logger;
  /** One that can't be used is left alone for `refusedPauseMs`. */
  readonly times: { readonly answerMs: number; readonly refusedPauseMs: number };
};

type Refusal = { readonly untilMs: number; readonly trouble: string };

/**
 * Declares the queues of hints, and remembers those that can't be used: one that the server refuses or does
 * not answer for must not keep the others from their hints.
 */
export class RabbitMqQueues {
  readonly #parts: QueuesParts;
  readonly #refusals = new Map<string, Refusal>();

  constructor(parts: QueuesParts) {
    this.#parts = parts;
  }

  /** What is wrong with one of them, in words for an operator; undefined when all can be used. */
  get trouble(): string | undefined {
    return this.#refusals.values().next().value?.trouble;
  }

  isRefused(queue: string): boolean {
    return this.#refusals.has(queue);
  }

  /** Whether the queue can be used. Throws when the connection is lost. */
  async declare(connection: AmqpConnection, queue: string): Promise<boolean> {
    const refusal = this.#refusals.get(queue);
    if (refusal !== undefined && refusal.untilMs > performance.now()) return false;
    try {
      await withChannel(connection, (channel) =>
        channel.assertQueue(brokerQueue(queue), { durable: true, arguments: hintQueueArguments }),
      );
      if (refusal !== undefined) await this.#tryOut(queue, connection.signal);
      this.#refusals.delete(queue);
      return true;
    } catch (error) {
      if (connection.signal.aborted) throw error;
      this.refuse(queue, error);
      return false;
    }
  }

  /** Leaves it alone for a while: it could be declared, but not used. */
  refuse(queue: string, error: unknown): void {
    const { logger, times } = this.#parts;
    const trouble = replyCode(error) === 406 ? otherArguments(queue) : notGiven(queue);
    if (this.#refusals.get(queue)?.trouble !== trouble) logger.warn({ err: error, queue }, trouble);
    this.#refusals.set(queue, { untilMs: performance.now() + times.refusedPauseMs, trouble });
  }

  /**
   * Takes a message and gives it back. A quorum queue whose nodes are away can be declared all the same, and
   * whoever asks more of it has his whole connection closed by the server a minute later: so over another one.
   */
  async #tryOut(queue: string, signal: AbortSignal): Promise<void> {
    const { url, name, times } = this.#parts;
    const options = { url, name: `${name} tries a queue`, answerMs: times.answerMs, signal };
    await withAmqpConnection(options, async (connection) => {
      await withChannel(connection, async (channel) => {
        const message = await channel.get(brokerQueue(queue));
        if (message !== false) channel.nack(message);
      });
    });
  }
}

function otherArguments(queue: string): string {
  return `RabbitMQ has a queue ${brokerQueue(queue)} with other arguments than Millrace's, and it is not used: jobs of this queue start with the next poll. Delete that queue in RabbitMQ; nothing is lost by it, and Millrace makes its own.`;
}

/** No permission, or a quorum queue whose nodes are away. */
function notGiven(queue: string): string {
  return `RabbitMQ does not let Millrace use the queue ${brokerQueue(queue)}: jobs of this queue start with the next poll. The log has RabbitMQ's reason; a queue that stays unavailable can be deleted there, and nothing is lost by it.`;
}
