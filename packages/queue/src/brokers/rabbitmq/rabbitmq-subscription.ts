import { sleep, toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import type { AmqpConnection } from "./amqp-connection.ts";
import type { AmqpTimes } from "./amqp-link.ts";
import type { Hint, Subscription } from "../broker.ts";
import { mergeHints } from "../hint.ts";
import { RabbitMqConsumers } from "./rabbitmq-consumers.ts";
import type { Delivery } from "./rabbitmq-consumers.ts";
import type { RabbitMqQueues } from "./rabbitmq-queues.ts";
import { retryPauseMs } from "../retry-pause.ts";

/**
 * How many hints of a queue one subscriber holds at most: each has him look at the queue, and one look does
 * for several. Others who have room get the rest.
 */
const prefetch = 5;

export type SubscriptionParts = {
  readonly queues: readonly string[];
  readonly onHint: (queue: string) => void;
  readonly name: string;
  readonly logger: Logger;
  /** `graceMs`: how long one without room keeps hints for the slot that may become free. */
  readonly times: AmqpTimes & { readonly graceMs: number };
  readonly declaring: RabbitMqQueues;
  /** Publishes a hint again; false when nothing can be published now. */
  readonly passOn: (hint: Hint) => boolean;
  readonly onRejected: (queue: string) => void;
  readonly onClose: () => void;
};

/**
 * One subscriber. It holds each delivery until it is settled, which a worker does within one claim, so that
 * RabbitMQ's limit of 30 minutes for that is never near: if the database were away for so long, the server
 * would close the channel, and the hints would come again over a new one.
 */
export class RabbitMqSubscription implements Subscription {
  readonly #parts: SubscriptionParts;
  readonly #ending = new AbortController();
  /** What the subscriber was told of, by queue. */
  readonly #held = new Map<string, Delivery[]>();
  /** What came while there was no room. The claims made since then may not have seen its jobs. */
  #untold: Delivery[] = [];
  #consumers: RabbitMqConsumers | undefined;
  #isUp = false;
  #hasRoom = true;
  /** What is held is of more jobs than could be taken. */
  #isMore = false;
  /** Follows `hasRoom`, but not at once. */
  #isConsuming = true;
  #graceTimer: NodeJS.Timeout | undefined;
  #adjusting: Promise<void> | undefined;

  constructor(parts: SubscriptionParts) {
    this.#parts = parts;
  }

  get queues(): readonly string[] {
    return this.#parts.queues;
  }

  /** Hints of all its queues come, or would if it had room. */
  get isHearing(): boolean {
    return this.#isUp && !this.queues.some((queue) => this.#parts.declaring.isRefused(queue));
  }

  tell(queue: string): void {
    if (!this.#ending.signal.aborted && this.queues.includes(queue)) this.#parts.onHint(queue);
  }

  /** The queue could not be consumed before. */
  tryAgain(queue: string): void {
    this.tell(queue);
    this.#adjust();
  }

  settle(queue: string, isMore: boolean): void {
    const deliveries = this.#held.get(queue) ?? [];
    if (isMore) {
      // One job has most likely just been taken. Of several, others are to hear without a delay.
      this.#isMore ||= deliveries.reduce((jobs, { hint }) => jobs + hint.count, 0) > 1;
      if (this.#isMore && !this.#hasRoom) this.#stopConsuming();
      return;
    }
    this.#held.delete(queue);
    if (this.#held.size === 0) this.#isMore = false;
    for (const delivery of deliveries) this.#consumers?.ack(delivery);
  }

  receive(hasRoom: boolean): void {
    if (hasRoom === this.#hasRoom || this.#ending.signal.aborted) return;
    this.#hasRoom = hasRoom;
    clearTimeout(this.#graceTimer);
    if (!hasRoom && this.#isMore) return this.#stopConsuming();
    if (!hasRoom) {
      this.#graceTimer = setTimeout(() => this.#stopConsuming(), this.#parts.times.graceMs);
      return;
    }
    this.#isMore = false;
    for (const delivery of this.#untold.splice(0)) this.#hold(delivery);
    this.#isConsuming = true;
    this.#adjust();
  }

  close(): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(new Error("the subscription was closed"));
    clearTimeout(this.#graceTimer);
    this.#parts.onClose();
  }

  /** Resolves when the connection is lost or the subscription closed, and its channel is too. */
  async hear(connection: AmqpConnection): Promise<void> {
    const signal = AbortSignal.any([connection.signal, this.#ending.signal]);
    let failures = 0;
    while (!signal.aborted) {
      await this.#hearOnce(connection, signal, () => (failures = 0)).catch((error: unknown) => {
        if (signal.aborted || failures++ > 0) return;
        this.#parts.logger.warn(
          { err: toError(error), queues: this.queues },
          "RabbitMQ no longer delivers hints; trying again",
        );
      });
      await sleep(retryPauseMs(this.#parts.times, failures), signal).catch(() => undefined);
    }
  }

  /** Ends by a throw, when the channel does or nothing comes over it. */
  async #hearOnce(connection: AmqpConnection, ending: AbortSignal, onHealthy: () => void): Promise<void> {
    const { times } = this.#parts;
    // It may still wait for an answer to the channel before, and while it does no other begins.
    await this.#adjusting;
    const consumers = await RabbitMqConsumers.open(connection, {
      ...this.#parts,
      prefetch,
      onDelivery: (delivery) => this.#hold(delivery),
    });
    const signal = AbortSignal.any([ending, consumers.broken]);
    this.#consumers = consumers;
    try {
      this.#adjust();
      for (;;) {
        await this.#adjusting;
        signal.throwIfAborted();
        if (!this.#isUp) this.#hearing();
        await sleep(times.lookEveryMs, signal);
        await consumers.look();
        onHealthy();
        // There may be queues that could not be used before.
        this.#adjust();
      }
    } finally {
      this.#isUp = false;
      this.#consumers = undefined;
      this.#held.clear();
      this.#untold = [];
      await consumers.close();
    }
  }

  #hearing(): void {
    this.#isUp = true;
    // Hints may have been missed.
    for (const queue of this.queues) this.tell(queue);
  }

  #hold(delivery: Delivery): void {
    if (!this.#hasRoom) {
      this.#untold.push(delivery);
      return;
    }
    this.#keep(delivery);
    this.tell(delivery.hint.queue);
  }

  #keep(delivery: Delivery): void {
    const held = this.#held.get(delivery.hint.queue);
    if (held === undefined) this.#held.set(delivery.hint.queue, [delivery]);
    else held.push(delivery);
  }

  #stopConsuming(): void {
    clearTimeout(this.#graceTimer);
    this.#isMore = false;
    this.#isConsuming = false;
    this.#adjust();
  }

  /** One change after another: room comes and goes faster than the server answers. */
  #adjust(): void {
    const consumers = this.#consumers;
    if (consumers === undefined) return;
    this.#adjusting ??= this.#follow(consumers)
      .catch((error: unknown) => consumers.fail(error))
      .finally(() => (this.#adjusting = undefined));
  }

  async #follow(consumers: RabbitMqConsumers): Promise<void> {
    for (;;) {
      const isConsuming = this.#isConsuming;
      if (isConsuming) await consumers.consume();
      else await consumers.cancel();
      if (isConsuming === this.#isConsuming) break;
    }
    if (!this.#isConsuming) this.#giveBack(consumers);
  }

  /** All that is held of a queue as one hint, and a new one: what is given back is counted against it. */
  #giveBack(consumers: RabbitMqConsumers): void {
    for (const delivery of this.#untold.splice(0)) this.#keep(delivery);
    for (const deliveries of this.#held.values()) {
      const isPassedOn = this.#parts.passOn(deliveries.map(({ hint }) => hint).reduce(mergeHints));
      for (const [nth, delivery] of deliveries.entries()) {
        if (nth === 0 && !isPassedOn) consumers.requeue(delivery);
        else consumers.ack(delivery);
      }
    }
    this.#held.clear();
  }
}
