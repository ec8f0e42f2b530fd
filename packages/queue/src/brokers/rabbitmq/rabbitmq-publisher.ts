import { toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import type { Channel, ConfirmChannel } from "amqplib";
import { replyCode, withChannel } from "./amqp-connection.ts";
import type { AmqpConnection } from "./amqp-connection.ts";
import { AmqpLink } from "./amqp-link.ts";
import type { AmqpTimes } from "./amqp-link.ts";
import type { Hint } from "../broker.ts";
import { formatHintMessage } from "../hint-message.ts";
import { isNoAnswer } from "../within.ts";
import { brokerQueue, declareDeadHints } from "./hint-queue.ts";
import type { RabbitMqQueues } from "./rabbitmq-queues.ts";

export type PublisherParts = {
  readonly url: string;
  readonly name: string;
  readonly logger: Logger;
  readonly times: AmqpTimes;
  readonly queues: RabbitMqQueues;
  /** Called when what could not be published may be tried again. */
  readonly onReady: () => void;
};

/**
 * Publishes hints, over a connection that nothing else uses: in an alarm the server reads nothing from
 * connections that publish, while those that consume go on.
 */
export class RabbitMqPublisher {
  readonly #parts: PublisherParts;
  readonly #link: AmqpLink;
  #channel: ConfirmChannel | undefined;
  /** Known to exist, until a message comes back. */
  readonly #declared = new Set<string>();
  /** Whose message in flight came back, because there is no such queue. */
  readonly #returned = new Set<string>();
  /** Queues whose last hint was not taken. */
  readonly #untaken = new Set<string>();

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    this.#link = new AmqpLink({
      ...parts,
      purpose: "publish hints",
      onOpen: (connection) => this.#open(connection),
      onLook: () => {
        if (this.canSend) parts.onReady();
      },
    });
  }

  /** There is a connection, and the server reads from it. */
  get canSend(): boolean {
    return this.#link.connection !== undefined && this.#link.blockedBecause === undefined;
  }

  /** In words for an operator; undefined when all is well. */
  get trouble(): string | undefined {
    const { connection, blockedBecause, isRefused } = this.#link;
    if (isRefused)
      return "RabbitMQ refuses the name or the password in BROKER_URL. Jobs start with the next poll.";
    if (connection === undefined)
      return "RabbitMQ can't be reached: jobs start with the next poll. The log says why.";
    if (blockedBecause !== undefined)
      return `RabbitMQ takes no messages now (alarm: ${blockedBecause}). Other processes find jobs with their next poll. Give it memory or disk.`;
    const [untaken] = this.#untaken;
    if (untaken !== undefined)
      return `RabbitMQ does not take hints of the queue ${brokerQueue(untaken)}: other processes find its jobs with their next poll. The log says why.`;
    return undefined;
  }

  start(): void {
    this.#link.start();
  }

  async stop(): Promise<void> {
    await this.#link.stop();
  }

  /** Rejects, in bounded time, unless the server has confirmed that it is in the queue. */
  async send(hint: Hint): Promise<void> {
    // A process may live only long enough to announce one job.
    await this.#link.tried;
    const { connection } = this.#link;
    if (connection === undefined || !this.canSend) throw new Error("RabbitMQ can't be told now");
    try {
      await this.#sendOver(connection, hint);
      this.#untaken.delete(hint.queue);
    } catch (error) {
      this.#declared.delete(hint.queue);
      if (isNoAnswer(error) && this.canSend) this.#giveUp(connection, hint.queue, toError(error));
      // Of a lost connection and of a queue that can't be used it is said elsewhere.
      if (!connection.signal.aborted && !this.#parts.queues.isRefused(hint.queue)) {
        this.#notTaken(hint.queue, toError(error));
      }
      throw error;
    }
  }

  /** The queue may be broken, and what the channel knows of it is of no use when it was made anew. */
  #giveUp(connection: AmqpConnection, queue: string, error: Error): void {
    this.#parts.queues.failed(queue, error);
    connection.fail(error);
  }

  #notTaken(queue: string, error: Error): void {
    if (!this.#untaken.has(queue))
      this.#parts.logger.warn({ err: error, queue }, "RabbitMQ did not take a hint");
    this.#untaken.add(queue);
  }

  /** Asks the server something about a queue; 0 when there is no such queue. Throws when it does not answer. */
  async ask(question: (channel: Channel) => Promise<number>): Promise<number> {
    const { connection } = this.#link;
    if (connection === undefined || !this.canSend) throw new Error("RabbitMQ can't be asked now");
    try {
      return await withChannel(connection, question);
    } catch (error) {
      if (replyCode(error) === 404) return 0;
      throw error;
    }
  }

  async #open(connection: AmqpConnection): Promise<void> {
    this.#declared.clear();
    this.#returned.clear();
    await declareDeadHints(connection);
    const channel = await connection.inTime(connection.model.createConfirmChannel());
    channel.on("error", (error: Error) => connection.fail(error));
    channel.on("close", () => connection.fail(new Error("the channel was closed")));
    channel.on("return", ({ fields }) => this.#returned.add(fields.routingKey));
    this.#channel = channel;
    this.#untaken.clear();
  }

  async #sendOver(connection: AmqpConnection, hint: Hint): Promise<void> {
    if (!this.#declared.has(hint.queue)) await this.#declare(connection, hint.queue);
    if (await this.#isInQueue(connection, hint)) return;
    // It was there when it was declared, and somebody has deleted it since.
    await this.#declare(connection, hint.queue);
    if (!(await this.#isInQueue(connection, hint))) throw new Error("the hint came back");
  }

  /** Whether it is, or others are that do as well: of a full queue the server takes no more. */
  async #isInQueue(connection: AmqpConnection, hint: Hint): Promise<boolean> {
    try {
      return await connection.inTime(this.#publish(hint));
    } catch (error) {
      if (isNoAnswer(error) || connection.signal.aborted) throw error;
      const waiting = await withChannel(connection, (channel) => channel.checkQueue(brokerQueue(hint.queue)));
      if (waiting.messageCount === 0) throw error;
      return true;
    }
  }

  async #declare(connection: AmqpConnection, queue: string): Promise<void> {
    if (!(await this.#parts.queues.declare(connection, queue))) throw new Error("the queue can't be used");
    this.#declared.add(queue);
  }

  /** Whether it is in the queue. Rejects when the server does not want it. */
  async #publish(hint: Hint): Promise<boolean> {
    const name = brokerQueue(hint.queue);
    const confirmed = Promise.withResolvers<void>();
    this.#returned.delete(name);
    this.#channel?.publish(
      "",
      name,
      formatHintMessage(hint),
      {
        persistent: true,
        // Without it a message for a queue that is not there is confirmed and dropped.
        mandatory: true,
        contentType: "application/json",
        appId: "millrace",
        type: "millrace.hint",
        timestamp: Math.floor(Date.now() / 1000),
      },
      (error: unknown) => (error === null ? confirmed.resolve() : confirmed.reject(toError(error))),
    );
    await confirmed.promise;
    return !this.#returned.delete(name);
  }
}
