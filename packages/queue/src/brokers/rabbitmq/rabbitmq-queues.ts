import type { Logger } from "@millrace/kernel";
import { replyCode, withAmqpConnection, withChannel } from "./amqp-connection.ts";
import type { AmqpConnection } from "./amqp-connection.ts";
import { brokerQueue, hintQueueArguments } from "./hint-queue.ts";
import { isBrokenQueue, QueueRepair, tryQueue } from "./queue-repair.ts";
import type { QueueRepairParts } from "./queue-repair.ts";

export type QueuesParts = {
  readonly url: string;
  readonly name: string;
  readonly logger: Logger;
  /** Called with one that could not be used and now can. Hints of it may have been missed. */
  readonly onUsable: (queue: string) => void;
  /** One that the server refuses is left alone for `refusedPauseMs`. */
  readonly times: QueueRepairParts["times"] & { readonly refusedPauseMs: number };
};

type Refusal = { readonly untilMs: number; readonly trouble: string };

/**
 * Declares the queues of hints, and remembers those that can't be used: one that the server refuses or does
 * not answer for must not keep the others from their hints. The latter are repaired.
 */
export class RabbitMqQueues {
  readonly #parts: QueuesParts;
  readonly #refusals = new Map<string, Refusal>();
  readonly #repair: QueueRepair;

  constructor(parts: QueuesParts) {
    this.#parts = parts;
    this.#repair = new QueueRepair({ ...parts, onRefused: (queue, error) => this.#refuse(queue, error) });
  }

  /** What is wrong with one of them, in words for an operator; undefined when all can be used. */
  get trouble(): string | undefined {
    return this.#refusals.values().next().value?.trouble ?? this.#repair.trouble;
  }

  /** How many were made anew because they could not be served any more. */
  get replaced(): number {
    return this.#repair.replaced;
  }

  isRefused(queue: string): boolean {
    return this.#refusals.has(queue) || this.#repair.isSuspect(queue);
  }

  /** Tries nothing any more. */
  async stop(): Promise<void> {
    await this.#repair.stop();
  }

  /** Whether the queue can be used. Throws when the connection is lost. */
  async declare(connection: AmqpConnection, queue: string): Promise<boolean> {
    if (this.#repair.isSuspect(queue)) return false;
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
      if (connection.signal.aborted && !isBrokenQueue(error)) throw error;
      this.failed(queue, error);
      if (connection.signal.aborted) throw error;
      return false;
    }
  }

  /** It could be declared, but not used: it is left alone until it can be. */
  failed(queue: string, error: unknown): void {
    const code = replyCode(error);
    if (code === undefined || isBrokenQueue(error)) this.#repair.suspect(queue);
    else this.#refuse(queue, error);
  }

  #refuse(queue: string, error: unknown): void {
    const { logger, times } = this.#parts;
    const trouble = replyCode(error) === 406 ? otherArguments(queue) : notGiven(queue);
    if (this.#refusals.get(queue)?.trouble !== trouble) logger.warn({ err: error, queue }, trouble);
    this.#refusals.set(queue, { untilMs: performance.now() + times.refusedPauseMs, trouble });
  }

  /** Over a connection of its own: the one of whoever may not use a queue is closed. */
  async #tryOut(queue: string, signal: AbortSignal): Promise<void> {
    const { url, name, times } = this.#parts;
    const options = { url, name: `${name} tries a queue`, answerMs: times.answerMs, signal };
    await withAmqpConnection(options, (connection) => tryQueue(connection, queue));
  }
}

function otherArguments(queue: string): string {
  return `RabbitMQ has a queue ${brokerQueue(queue)} with other arguments than Millrace's, and it is not used: jobs of this queue start with the next poll. Delete that queue in RabbitMQ; nothing is lost by it, and Millrace makes its own.`;
}

/** Most likely no permission. */
function notGiven(queue: string): string {
  return `RabbitMQ does not let Millrace use the queue ${brokerQueue(queue)}: jobs of this queue start with the next poll. The log has RabbitMQ's reason.`;
}
