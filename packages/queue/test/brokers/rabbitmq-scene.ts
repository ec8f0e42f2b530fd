/** What tests do at RabbitMQ beside the broker under test, over a connection of their own. */
import type { Service } from "@millrace/kernel";
import { connect } from "amqplib";
import { brokerQueue } from "../../src/brokers/rabbitmq-queues.ts";
import type { Broker } from "../../src/index.ts";

export type RabbitMqAdmin = {
  readonly url: string;
  /** Puts any message into the queue of the broker. */
  readonly send: (queue: string, content: Buffer) => Promise<void>;
  /** Has the queues that this broker uses deleted by `close`. */
  readonly follow: (broker: Broker & Service) => Broker & Service;
  readonly close: () => Promise<void>;
};

export async function openRabbitMqAdmin(
  url = process.env["MILLRACE_TEST_RABBITMQ_URL"],
): Promise<RabbitMqAdmin> {
  if (url === undefined) throw new Error("this test needs RabbitMQ");
  const connection = await connect(url, { noDelay: true });
  const channel = await connection.createConfirmChannel();
  const used = new Set<string>();
  return {
    url,
    send: async (queue, content) => {
      channel.sendToQueue(brokerQueue(queue), content, { persistent: true });
      await channel.waitForConfirms();
    },
    follow: (broker) => ({
      ...broker,
      name: broker.name,
      start: () => broker.start(),
      stop: () => broker.stop(),
      announce: (hint) => {
        used.add(hint.queue);
        broker.announce(hint);
      },
      subscribe: (queues, onHint) => {
        for (const queue of queues) used.add(queue);
        return broker.subscribe(queues, onHint);
      },
      depth: (queue) => broker.depth(queue),
      purge: (queue) => broker.purge(queue),
      status: () => broker.status(),
    }),
    close: async () => {
      for (const queue of used) await channel.deleteQueue(brokerQueue(queue));
      await connection.close();
    },
  };
}
