import { toError } from "@millrace/kernel";
import type { Channel, ConsumeMessage } from "amqplib";
import { closeChannel, withChannel } from "./amqp-connection.ts";
import type { AmqpConnection } from "./amqp-connection.ts";
import type { Hint } from "../broker.ts";
import { parseHintMessage } from "../hint-message.ts";
import { brokerQueue } from "./hint-queue.ts";
import { isBrokenQueue } from "./queue-repair.ts";
import type { RabbitMqQueues } from "./rabbitmq-queues.ts";

export type Delivery = { readonly message: ConsumeMessage; readonly hint: Hint };

export type ConsumersParts = {
  readonly queues: readonly string[];
  /** As the server's own page shows who consumes. */
  readonly name: string;
  /** How many deliveries of a queue may be without an answer. */
  readonly prefetch: number;
  readonly declaring: RabbitMqQueues;
  readonly onDelivery: (delivery: Delivery) => void;
  /** Called for each message that was no hint, and went to the dead ones. */
  readonly onRejected: (queue: string) => void;
};

/** The consumers of one subscriber, one for each queue, for as long as the channel lives that they share. */
export class RabbitMqConsumers {
  readonly #connection: AmqpConnection;
  readonly #channel: Channel;
  readonly #parts: ConsumersParts;
  readonly #broken = new AbortController();
  readonly #consumed = new Set<string>();
  /** Of which something came since the last look. */
  readonly #heard = new Set<string>();
  /** Which the last look found to be deaf, if it is not mistaken. */
  readonly #suspects = new Set<string>();
  readonly #unanswered = new Map<string, number>();

  private constructor(connection: AmqpConnection, channel: Channel, parts: ConsumersParts) {
    this.#connection = connection;
    this.#channel = channel;
    this.#parts = parts;
    channel.on("error", (error: Error) => this.fail(error));
    channel.on("close", () => this.fail(new Error("the channel was closed")));
  }

  /** Consumes nothing yet. */
  static async open(connection: AmqpConnection, parts: ConsumersParts): Promise<RabbitMqConsumers> {
    const channel = await connection.inTime(connection.model.createChannel());
    const consumers = new RabbitMqConsumers(connection, channel, parts);
    await connection.inTime(channel.prefetch(parts.prefetch));
    return consumers;
  }

  /** Aborted when hints no longer come, or not of all queues. */
  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  fail(error: unknown): void {
    this.#broken.abort(toError(error));
  }

  /** Consumes those queues that it does not yet, but for those that can't be used. */
  async consume(): Promise<void> {
    for (const queue of this.#parts.queues) {
      this.broken.throwIfAborted();
      if (this.#consumed.has(queue)) continue;
      if (!(await this.#parts.declaring.declare(this.#connection, queue))) continue;
      await this.#begin(queue).catch((error: unknown) => {
        this.#giveUp(queue, toError(error));
        throw error;
      });
      this.#consumed.add(queue);
    }
  }

  async #begin(queue: string): Promise<void> {
    await this.#connection.inTime(
      this.#channel.consume(brokerQueue(queue), (message) => this.#take(queue, message), {
        consumerTag: this.#tagOf(queue),
      }),
    );
  }

  /**
   * A queue that can be declared and does not answer has lost its nodes. Neither does the channel then, and
   * the server closes the connection later: the others are better off over a new one at once. If it was closed
   * at once, the queues that were not reached may be as broken, and each would cost a connection.
   */
  #giveUp(queue: string, error: Error): void {
    const { declaring, queues } = this.#parts;
    if (isBrokenQueue(error)) {
      for (const each of queues) if (!this.#consumed.has(each)) declaring.failed(each, error);
    } else if (!this.#connection.signal.aborted && !this.broken.aborted) {
      declaring.failed(queue, error);
      this.#connection.fail(error);
    }
  }

  /** Nothing is delivered after it has resolved. What was stays unanswered. */
  async cancel(): Promise<void> {
    for (const queue of this.#consumed) {
      this.#consumed.delete(queue);
      await this.#connection.inTime(this.#channel.cancel(this.#tagOf(queue)));
    }
  }

  ack(delivery: Delivery): void {
    this.#answer(delivery, () => this.#channel.ack(delivery.message));
  }

  requeue(delivery: Delivery): void {
    this.#answer(delivery, () => this.#channel.nack(delivery.message, false, true));
  }

  /**
   * Asks the server how it sees the queues. Throws when twice in a row it knew no consumer of one, or had
   * hints for us and did not deliver them: then we are deaf without having been told.
   */
  async look(): Promise<void> {
    await withChannel(this.#connection, async (channel) => {
      for (const queue of this.#consumed) {
        const found = await channel.checkQueue(brokerQueue(queue));
        const isFull = (this.#unanswered.get(queue) ?? 0) >= this.#parts.prefetch;
        const isStarved = found.messageCount > 0 && !isFull && !this.#heard.has(queue);
        const isSuspect = this.#consumed.has(queue) && (found.consumerCount === 0 || isStarved);
        if (isSuspect && this.#suspects.has(queue)) throw new Error(`hints of ${queue} are not delivered`);
        if (isSuspect) this.#suspects.add(queue);
        else this.#suspects.delete(queue);
      }
    });
    this.#heard.clear();
  }

  /** The server gives what is unanswered to others. */
  async close(): Promise<void> {
    await closeChannel(this.#channel);
  }

  /** Unique within the channel, and at most 255 bytes long. */
  #tagOf(queue: string): string {
    return `${this.#parts.name.slice(0, 150)} ${queue}`;
  }

  #take(queue: string, message: ConsumeMessage | null): void {
    if (message === null) return this.fail(new Error(`the server has ended the consumer of ${queue}`));
    this.#heard.add(queue);
    const hint = parseHintMessage(message.content);
    if (hint?.queue === queue) {
      this.#unanswered.set(queue, (this.#unanswered.get(queue) ?? 0) + 1);
      this.#parts.onDelivery({ message, hint });
      return;
    }
    this.#channel.reject(message, false);
    this.#parts.onRejected(queue);
  }

  #answer({ hint }: Delivery, send: () => void): void {
    this.#unanswered.set(hint.queue, (this.#unanswered.get(hint.queue) ?? 1) - 1);
    try {
      send();
    } catch (error) {
      // Closed a moment ago: the server gives it to others.
      this.fail(error);
    }
  }
}
