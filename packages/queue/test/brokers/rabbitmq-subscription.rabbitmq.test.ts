import { silentLogger } from "@millrace/kernel";
import { startFaultProxy } from "@millrace/testing";
import { expect, it } from "vitest";
import { bareHint } from "../../src/brokers/hint.ts";
import { formatHintMessage } from "../../src/brokers/hint-message.ts";
import { withAmqpConnection } from "../../src/brokers/rabbitmq/amqp-connection.ts";
import { RabbitMqQueues } from "../../src/brokers/rabbitmq/rabbitmq-queues.ts";
import { RabbitMqSubscription } from "../../src/brokers/rabbitmq/rabbitmq-subscription.ts";
import { wrongAckFrame } from "./amqp-frames.ts";
import { queueName, quiet } from "./broker-scene.ts";
import { RabbitMqScene } from "./rabbitmq-scene.ts";

it("hears again after its channel broke while a queue was being declared", async () => {
  const scene = await RabbitMqScene.open();
  const network = await startFaultProxy({ target: scene.url });
  const queue = queueName();
  const heard: string[] = [];
  const gate = Promise.withResolvers<void>();
  let declared = 0;
  const parts = { url: scene.url, name: "test", logger: silentLogger };
  const times = { minPauseMs: 20, maxPauseMs: 100, answerMs: 5_000, refusedPauseMs: 100, graceMs: 20 };
  const never = { tryEveryMs: 3_600_000, replaceEveryMs: 3_600_000 };
  class SlowQueues extends RabbitMqQueues {
    override async declare(...asked: Parameters<RabbitMqQueues["declare"]>): Promise<boolean> {
      if (++declared === 2) await gate.promise;
      return await super.declare(...asked);
    }
  }
  const subscription = new RabbitMqSubscription({
    ...parts,
    queues: [queue],
    onHint: (told) => void heard.push(told),
    // A look would find out later that nothing is consumed.
    times: { ...times, lookEveryMs: 3_600_000 },
    declaring: new SlowQueues({ ...parts, times: { ...times, ...never }, onUsable: () => undefined }),
    passOn: () => false,
    onRejected: () => undefined,
    onClose: () => undefined,
  });
  const consumers = async (): Promise<number> =>
    (await scene.channel.checkQueue(`millrace.${queue}`)).consumerCount;
  const { signal } = new AbortController();
  const options = { ...parts, url: network.through(scene.url), answerMs: 5_000, signal };

  await withAmqpConnection(options, async (connection) => {
    const hearing = subscription.hear(connection);
    await expect.poll(() => subscription.isHearing).toBe(true);
    subscription.receive(false);
    await expect.poll(consumers).toBe(0);
    subscription.receive(true);
    await expect.poll(() => declared).toBe(2);
    network.inject("to_server", wrongAckFrame(1));
    await quiet();
    expect(subscription.isHearing).toBe(false);
    gate.resolve();

    await expect.poll(() => subscription.isHearing).toBe(true);
    expect(await consumers()).toBe(1);
    heard.length = 0;
    await scene.send(queue, formatHintMessage(bareHint(queue)));
    await expect.poll(() => heard).toEqual([queue]);
    subscription.close();
    await hearing;
  });
  await network.stop();
  await scene.deleteQueue(queue);
  await scene.close();
});
