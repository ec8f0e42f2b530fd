/** What tests do at RabbitMQ beside the broker under test, over a connection of their own. */
import type { Service } from "@millrace/kernel";
import { startFaultProxy } from "@millrace/testing";
import type { FaultProxy } from "@millrace/testing";
import { connect } from "amqplib";
import type { ChannelModel, ConfirmChannel, GetMessage } from "amqplib";
import { createRabbitMqBroker } from "../../src/brokers/rabbitmq/rabbitmq-broker.ts";
import type { RabbitMqTimes } from "../../src/brokers/rabbitmq/rabbitmq-broker.ts";
import { brokerQueue } from "../../src/brokers/rabbitmq/hint-queue.ts";
import type { Broker } from "../../src/index.ts";
import { recordingLogger } from "../postgres-broker-scene.ts";
import type { Warning } from "../postgres-broker-scene.ts";
import type { RemoteBroker } from "./scenes.ts";

/** Short, because tests wait for them. What is given for an answer must do for a busy machine. */
export const shortTimes: Partial<RabbitMqTimes> = {
  lookEveryMs: 200,
  answerMs: 1_000,
  minPauseMs: 20,
  maxPauseMs: 100,
  refusedPauseMs: 100,
  tryEveryMs: 200,
  notTakenMs: 20,
};

export type OpenedBroker = {
  readonly broker: Broker & Service;
  /** What the log was told. */
  readonly told: readonly Warning[];
  readonly network: FaultProxy;
  /** When it tried to connect. */
  readonly triedAtMs: readonly number[];
};

export class RabbitMqScene {
  readonly url: string;
  readonly channel: ConfirmChannel;
  readonly #connection: ChannelModel;
  readonly #used = new Set<string>();
  readonly #endings: (() => Promise<void>)[] = [];

  private constructor(url: string, connection: ChannelModel, channel: ConfirmChannel) {
    this.url = url;
    this.#connection = connection;
    this.channel = channel;
  }

  /** Default: the server that all tests share. */
  static async open(url = process.env["MILLRACE_TEST_RABBITMQ_URL"]): Promise<RabbitMqScene> {
    if (url === undefined) throw new Error("this test needs RabbitMQ");
    const connection = await connect(url, { noDelay: true });
    // A test may kill the server.
    connection.on("error", () => undefined);
    const channel = await connection.createConfirmChannel();
    return new RabbitMqScene(url, connection, channel);
  }

  /** A broker of a process, started, behind a network of its own. */
  async openBroker(
    options: { readonly url?: string; readonly name?: string; readonly times?: Partial<RabbitMqTimes> } = {},
  ): Promise<OpenedBroker> {
    const url = options.url ?? this.url;
    const triedAtMs: number[] = [];
    const network = await startFaultProxy({
      target: url,
      filter: (chunk) => {
        if (chunk.toString("latin1", 0, 4) === "AMQP") triedAtMs.push(performance.now());
        return chunk;
      },
    });
    const { logger, told } = recordingLogger();
    const name = options.name === undefined ? {} : { name: options.name };
    const times = { ...shortTimes, ...options.times };
    const broker = this.follow(createRabbitMqBroker({ url: network.through(url), logger, times, ...name }));
    this.#endings.push(
      () => network.stop(),
      () => broker.stop(),
    );
    await broker.start();
    return { broker, told, network, triedAtMs };
  }

  /** Puts any message into the queue of the broker. */
  async send(queue: string, content: Buffer): Promise<void> {
    this.channel.sendToQueue(brokerQueue(queue), content, { persistent: true });
    await this.channel.waitForConfirms();
  }

  async take(queue: string): Promise<GetMessage | false> {
    return await this.channel.get(brokerQueue(queue), { noAck: true });
  }

  async deleteQueue(queue: string): Promise<void> {
    await this.channel.deleteQueue(brokerQueue(queue));
  }

  /** Has the queues that this broker uses deleted by `close`. */
  follow(broker: Broker & Service): Broker & Service {
    return {
      name: broker.name,
      start: () => broker.start(),
      stop: () => broker.stop(),
      announce: (hint) => {
        this.#used.add(hint.queue);
        broker.announce(hint);
      },
      subscribe: (queues, onHint) => {
        for (const queue of queues) this.#used.add(queue);
        return broker.subscribe(queues, onHint);
      },
      depth: (queue) => broker.depth(queue),
      purge: (queue) => broker.purge(queue),
      status: () => broker.status(),
    };
  }

  /** After each test. */
  async clear(): Promise<void> {
    for (const end of this.#endings.splice(0).toReversed()) await end();
  }

  async close(): Promise<void> {
    for (const queue of this.#used) await this.deleteQueue(queue);
    await this.#connection.close();
  }
}

export function rabbitMqRemote(server: RabbitMqScene): RemoteBroker {
  return {
    url: () => server.url,
    create: ({ url, logger }) => server.follow(createRabbitMqBroker({ url, logger, times: shortTimes })),
    sendGarbage: (queue) => server.send(queue, Buffer.from([0x00, 0xff, 0x7b])),
    close: () => server.close(),
  };
}
