import { hostname } from "node:os";
import { sleep } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { brokerUnavailable, invalidBrokerUrl } from "../../errors.ts";
import type { AmqpConnection } from "./amqp-connection.ts";
import { AmqpLink } from "./amqp-link.ts";
import type { AmqpTimes } from "./amqp-link.ts";
import type { Broker, BrokerStatus, Hint, Subscription } from "../broker.ts";
import { HintOutbox } from "../hint-outbox.ts";
import { within } from "../within.ts";
import { RabbitMqPublisher } from "./rabbitmq-publisher.ts";
import { brokerQueue } from "./hint-queue.ts";
import { RabbitMqQueues } from "./rabbitmq-queues.ts";
import { RabbitMqSubscription } from "./rabbitmq-subscription.ts";

/** All in milliseconds. The defaults are meant for production; tests shorten them. */
export type RabbitMqTimes = AmqpTimes & {
  /** The least time between two hints of a queue. A stream of jobs needs no more. Default 5. */
  readonly gapMs: number;
  /** How long a subscriber without room keeps hints for the slot that may become free. Default 20. */
  readonly graceMs: number;
  /** The least time between two tries to have a hint taken that was not. Default 1,000. */
  readonly notTakenMs: number;
  /** How long a queue that exists with other arguments is left alone. Default 60,000. */
  readonly refusedPauseMs: number;
  /** How often one is tried that does not answer; the fourth time it is replaced. Default 5,000. */
  readonly tryEveryMs: number;
  /** The least time between two times that this process replaces the same queue. Default 60,000. */
  readonly replaceEveryMs: number;
  /** How often messages that are no hints are logged at most. Default 60,000. */
  readonly complainEveryMs: number;
  /** How long stop waits for the last hints. Default 2,000. */
  readonly lastWordMs: number;
};

const defaultTimes: RabbitMqTimes = {
  lookEveryMs: 10_000,
  answerMs: 5_000,
  // The first pause is thereby one second at least: a wrong password must not be tried without end.
  minPauseMs: 2_000,
  maxPauseMs: 10_000,
  gapMs: 5,
  graceMs: 20,
  notTakenMs: 1_000,
  refusedPauseMs: 60_000,
  tryEveryMs: 5_000,
  replaceEveryMs: 60_000,
  complainEveryMs: 60_000,
  lastWordMs: 2_000,
};

const deaf =
  "Hints of other processes do not come from RabbitMQ now: their jobs start here with the next poll. The log says why.";

export type RabbitMqBrokerParts = {
  /** amqp:// or amqps://, with name, password and virtual host. Never logged. */
  readonly url: string;
  readonly logger: Logger;
  /** Of this process, for RabbitMQ's own page. Default: the machine's name and the process's number. */
  readonly name?: string;
  readonly times?: Partial<RabbitMqTimes>;
};

/**
 * Hints through RabbitMQ, 3.10 or newer: one durable quorum queue `millrace.<queue>` for each queue, of
 * which each hint goes to one subscriber with room. Confirmed publishing over one connection, consuming
 * over another that exists while somebody subscribes; both are made anew whenever they are lost or silent.
 * Start does not wait for them, and without RabbitMQ everything works by the poll. `depth` and `purge` are of
 * the hints that wait, without those that a subscriber holds; `purge` throws `broker_unavailable` while
 * RabbitMQ is away. A queue that RabbitMQ can no longer serve is deleted and made anew, with a warning that has
 * the code `broker_queue_replaced`. Throws `invalid_broker_url` for what is no address at all.
 */
export function createRabbitMqBroker(parts: RabbitMqBrokerParts): Broker & Service {
  // The error of whoever parsed it later would have the password in it.
  if (!URL.canParse(parts.url)) throw invalidBrokerUrl();
  return new RabbitMqBroker(parts);
}

class RabbitMqBroker implements Broker, Service {
  readonly name = "hints";
  readonly #parts: RabbitMqBrokerParts;
  readonly #times: RabbitMqTimes;
  /** What RabbitMQ's own page calls this process. */
  readonly #self: string;
  readonly #queues: RabbitMqQueues;
  readonly #publisher: RabbitMqPublisher;
  readonly #outbox: HintOutbox;
  readonly #subscriptions = new Set<RabbitMqSubscription>();
  readonly #hearing = new Set<Promise<void>>();
  /** Resolves when connections that nobody wanted any more are closed. */
  #left: Promise<unknown> = Promise.resolve();
  #stopping: Promise<void> | undefined;
  #consuming: AmqpLink | undefined;
  /** Of that link, even before it is set up or after it is lost. */
  #consumingOver: AmqpConnection | undefined;
  #state: "new" | "running" | "stopped" = "new";
  #rejected = 0;
  #complainedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: RabbitMqBrokerParts) {
    this.#parts = parts;
    this.#times = { ...defaultTimes, ...parts.times };
    this.#self = parts.name ?? `${hostname()}:${process.pid}`;
    this.#queues = new RabbitMqQueues({
      ...parts,
      name: this.#self,
      times: this.#times,
      onUsable: (queue) => this.#tryAgain(queue),
    });
    this.#outbox = new HintOutbox((hint) => this.#send(hint));
    this.#publisher = new RabbitMqPublisher({
      url: parts.url,
      name: `${this.#self} publishes`,
      logger: parts.logger,
      times: this.#times,
      queues: this.#queues,
      onReady: () => this.#outbox.retry(),
    });
  }

  announce(hint: Hint): void {
    if (!this.#publisher.canSend) this.#tellHere(hint.queue);
    this.#outbox.add(hint);
  }

  subscribe(queues: readonly string[], onHint: (queue: string) => void): Subscription {
    const subscription: RabbitMqSubscription = new RabbitMqSubscription({
      queues: [...new Set(queues)],
      onHint,
      name: this.#self,
      logger: this.#parts.logger,
      times: this.#times,
      declaring: this.#queues,
      passOn: (hint) => this.#passOn(hint),
      onRejected: (queue) => this.#complain(queue),
      onClose: () => {
        this.#subscriptions.delete(subscription);
        this.#consumeWhenWanted();
      },
    });
    this.#subscriptions.add(subscription);
    if (this.#consumingOver !== undefined) this.#hear(subscription, this.#consumingOver);
    this.#consumeWhenWanted();
    return subscription;
  }

  async depth(queue: string): Promise<number | undefined> {
    const asked = this.#publisher.ask(async (channel) => {
      const { messageCount } = await channel.checkQueue(brokerQueue(queue));
      return messageCount;
    });
    return await asked.catch(() => undefined);
  }

  async purge(queue: string): Promise<number> {
    const asked = this.#publisher.ask(async (channel) => {
      const { messageCount } = await channel.purgeQueue(brokerQueue(queue));
      return messageCount;
    });
    return await asked.catch((error: unknown) => {
      throw brokerUnavailable("RabbitMQ", error);
    });
  }

  status(): BrokerStatus {
    const isHearing =
      this.#subscriptions.size === 0 ||
      (this.#consuming?.connection !== undefined &&
        [...this.#subscriptions].every((subscription) => subscription.isHearing));
    const tellingTrouble = this.#publisher.trouble ?? this.#queues.trouble;
    const trouble = tellingTrouble ?? (isHearing ? undefined : deaf);
    return {
      kind: "rabbitmq",
      isHearing,
      isTelling: tellingTrouble === undefined,
      ...(this.#queues.replaced === 0 ? {} : { replacedQueues: this.#queues.replaced }),
      ...(trouble === undefined ? {} : { trouble }),
    };
  }

  async start(): Promise<void> {
    if (this.#state !== "new") return;
    this.#state = "running";
    this.#publisher.start();
    this.#outbox.retry();
    this.#consumeWhenWanted();
  }

  /** Gives back what is held, and passes on what was announced before, for two seconds at most. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#state = "stopped";
    for (const subscription of this.#subscriptions) subscription.close();
    await Promise.all([...this.#hearing, this.#queues.stop()]);
    await Promise.all([this.#left, this.#consuming?.stop(), this.#passOnTheLast()]);
    await this.#publisher.stop();
  }

  async #passOnTheLast(): Promise<void> {
    const { signal } = new AbortController();
    await within(this.#outbox.stop(), this.#times.lastWordMs, signal).catch(() => undefined);
  }

  /** Rejects unless the hint is in the server's queue. */
  async #send(hint: Hint): Promise<void> {
    // Otherwise it was told here when it was announced.
    const isNews = this.#publisher.canSend;
    try {
      await Promise.all([this.#publisher.send(hint), sleep(this.#times.gapMs)]);
    } catch (error) {
      if (isNews) this.#tellHere(hint.queue);
      // A server that is there and does not take it is not asked a thousand times a second.
      if (this.#publisher.canSend && this.#state === "running") await sleep(this.#times.notTakenMs);
      throw error;
    }
  }

  #passOn(hint: Hint): boolean {
    if (!this.#publisher.canSend || this.#state !== "running") return false;
    this.#outbox.add(hint);
    return true;
  }

  /** What could not be consumed or published before. */
  #tryAgain(queue: string): void {
    for (const subscription of this.#subscriptions) subscription.tryAgain(queue);
    this.#outbox.retry();
  }

  #tellHere(queue: string): void {
    for (const subscription of this.#subscriptions) subscription.tell(queue);
  }

  #consumeWhenWanted(): void {
    if (this.#state !== "running") return;
    if (this.#subscriptions.size > 0) {
      this.#consuming ??= this.#createLink();
      this.#consuming.start();
    } else if (this.#hearing.size === 0) {
      this.#left = Promise.all([this.#left, this.#consuming?.stop()]);
      this.#consuming = undefined;
      this.#consumingOver = undefined;
    }
  }

  #createLink(): AmqpLink {
    return new AmqpLink({
      url: this.#parts.url,
      name: `${this.#self} consumes`,
      logger: this.#parts.logger,
      times: this.#times,
      purpose: "consume hints",
      onOpen: async (connection) => {
        this.#consumingOver = connection;
        for (const subscription of this.#subscriptions) this.#hear(subscription, connection);
      },
    });
  }

  #hear(subscription: RabbitMqSubscription, connection: AmqpConnection): void {
    const hearing = subscription.hear(connection);
    this.#hearing.add(hearing);
    // The last words of one that was closed go over the connection.
    void hearing.then(() => {
      this.#hearing.delete(hearing);
      this.#consumeWhenWanted();
    });
  }

  #complain(queue: string): void {
    this.#rejected++;
    if (performance.now() - this.#complainedAtMs < this.#times.complainEveryMs) return;
    this.#complainedAtMs = performance.now();
    this.#parts.logger.warn(
      { queue, rejected: this.#rejected },
      "messages that are no hints were moved from the queue to millrace.dead_hints",
    );
  }
}
