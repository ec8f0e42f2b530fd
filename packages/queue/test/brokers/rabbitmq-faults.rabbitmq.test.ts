import { createLogger, parseJson } from "@millrace/kernel";
import { waitFor } from "@millrace/testing";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { bareHint } from "../../src/brokers/hint.ts";
import { createRabbitMqBroker } from "../../src/brokers/rabbitmq/rabbitmq-broker.ts";
import type { RabbitMqTimes } from "../../src/brokers/rabbitmq/rabbitmq-broker.ts";
import type { Broker } from "../../src/index.ts";
import { blockedFrame, silentCancelFrame, unblockedFrame, wrongAckFrame } from "./amqp-frames.ts";
import { queueName, quiet } from "./broker-scene.ts";
import { RabbitMqScene, shortTimes } from "./rabbitmq-scene.ts";
import type { OpenedBroker } from "./rabbitmq-scene.ts";

let scene: RabbitMqScene;
beforeAll(async () => {
  scene = await RabbitMqScene.open();
});
afterEach(() => scene.clear());
afterAll(() => scene.close());

const name = "worker@host";
const wrongPassword = "not-the-password";

function withWrongPassword(address: string): string {
  const url = new URL(address);
  url.password = wrongPassword;
  return url.href;
}

/** Its connection to consume is the newest, and the consumers have its first channel. */
async function openHearing(
  queues: readonly string[],
  times: Partial<RabbitMqTimes> = {},
): Promise<
  OpenedBroker & { readonly heard: string[]; readonly subscription: ReturnType<Broker["subscribe"]> }
> {
  const opened = await scene.openBroker({ name, times });
  await expect.poll(() => opened.broker.status().isTelling).toBe(true);
  const heard: string[] = [];
  const subscription = opened.broker.subscribe(queues, (queue) => void heard.push(queue));
  await waitFor(() => opened.broker.status().isHearing && heard.length >= queues.length, {
    describe: "the broker to hear, and to have told of what it may have missed",
  });
  heard.length = 0;
  return { ...opened, heard, subscription };
}

it("sends what the contract says, to outlive a restart of the server", async () => {
  const queue = queueName();
  const { broker } = await scene.openBroker();

  broker.announce({ queue, count: 3, jobIds: ["a", "b"], task: "chat.answer", priority: 9 });
  await expect.poll(() => broker.depth(queue)).toBe(1);
  const message = await scene.take(queue);

  if (message === false) throw new Error("nothing came");
  expect(parseJson(message.content.toString())).toEqual({
    queue,
    count: 3,
    job_ids: ["a", "b"],
    task: "chat.answer",
    priority: 9,
  });
  expect(message.properties).toMatchObject({
    appId: "millrace",
    contentType: "application/json",
    deliveryMode: 2,
  });
});

it("takes a hint that a person has sent, with the queue alone", async () => {
  const queue = queueName();
  const { heard } = await openHearing([queue]);

  await scene.send(queue, Buffer.from(JSON.stringify({ queue, new_field: 1 })));

  await expect.poll(() => heard).toEqual([queue]);
});

it("makes the queue again that was deleted under its consumer, and wakes for it", async () => {
  const queue = queueName();
  const { broker, heard } = await openHearing([queue]);

  await scene.deleteQueue(queue);
  await expect.poll(() => heard).toEqual([queue]);
  broker.announce(bareHint(queue));

  await expect.poll(() => heard).toEqual([queue, queue]);
});

it("makes the queue again that was deleted while nobody consumed, and the hint is in it", async () => {
  const queue = queueName();
  const { broker } = await scene.openBroker();
  broker.announce(bareHint(queue));
  await expect.poll(() => broker.depth(queue)).toBe(1);

  await scene.deleteQueue(queue);
  broker.announce(bareHint(queue));

  await expect.poll(() => broker.depth(queue)).toBe(1);
});

it("moves what is no hint to the dead hints, complains once and goes on", async () => {
  const [queue, other] = [queueName(), queueName()];
  const { heard, told } = await openHearing([queue]);
  const dead = async (): Promise<number> =>
    (await scene.channel.checkQueue("millrace.dead_hints")).messageCount;
  const before = await dead();

  await scene.send(queue, Buffer.from([0x00, 0xff]));
  await scene.send(queue, Buffer.from("null"));
  await scene.send(queue, Buffer.from(JSON.stringify({ queue: other })));
  await scene.send(queue, Buffer.alloc(10 * 1024 * 1024, "x"));
  await scene.send(queue, Buffer.from(JSON.stringify({ queue })));

  await expect.poll(() => heard).toEqual([queue]);
  await expect.poll(dead).toBeGreaterThanOrEqual(before + 4);
  expect(told.filter(({ text }) => text.includes("no hints"))).toHaveLength(1);
});

it("consumes again after the server has closed its channel", async () => {
  const queue = queueName();
  const { broker, heard, network } = await openHearing([queue]);

  network.inject("to_server", wrongAckFrame(1));
  await expect.poll(() => heard).toEqual([queue]);
  await expect.poll(() => broker.status().isHearing).toBe(true);
  broker.announce(bareHint(queue));

  await expect.poll(() => heard).toEqual([queue, queue]);
});

it("notices that the server no longer knows its consumer", async () => {
  const queue = queueName();
  const { heard, told, network } = await openHearing([queue]);

  network.inject("to_server", silentCancelFrame(1, `${name} ${queue}`));
  await expect.poll(() => heard).toEqual([queue]);
  await scene.send(queue, Buffer.from(JSON.stringify({ queue })));

  await expect.poll(() => heard).toEqual([queue, queue]);
  expect(told.map(({ level }) => level)).toEqual(["warn"]);
});

it("notices hints that are not delivered to it although others hear", async () => {
  const queue = queueName();
  const { heard, network } = await openHearing([queue]);
  await openHearing([queue]);
  network.inject("to_server", silentCancelFrame(1, `${name} ${queue}`));
  // The other holds as many as it may, and settles none.
  for (let nth = 0; nth < 8; nth++) await scene.send(queue, Buffer.from(JSON.stringify({ queue })));

  await expect.poll(() => heard).toContain(queue);
  await expect.poll(() => heard.length).toBeGreaterThanOrEqual(3);
});

it("says that RabbitMQ is blocked, and tells its own subscribers meanwhile", async () => {
  const queue = queueName();
  const { broker, network } = await scene.openBroker();
  await expect.poll(() => broker.status().isTelling).toBe(true);
  network.inject("to_client", blockedFrame("low on memory"));
  await expect.poll(() => broker.status().trouble).toContain("low on memory");
  const heard: string[] = [];
  broker.subscribe([queue], (told) => void heard.push(told));

  broker.announce(bareHint(queue));

  expect(heard).toEqual([queue]);
  expect(await broker.depth(queue)).toBeUndefined();
  // It consumes over another connection, which is not blocked.
  await expect.poll(() => broker.status()).toMatchObject({ isHearing: true, isTelling: false });
});

it("passes on what was announced while it was blocked", async () => {
  const queue = queueName();
  const { broker, network } = await scene.openBroker();
  await expect.poll(() => broker.status().isTelling).toBe(true);
  network.inject("to_client", blockedFrame("low on memory"));
  await expect.poll(() => broker.status().isTelling).toBe(false);
  broker.announce(bareHint(queue));
  broker.announce(bareHint(queue));

  network.inject("to_client", unblockedFrame());

  await expect.poll(() => broker.depth(queue)).toBe(1);
  expect(broker.status()).toEqual({ kind: "rabbitmq", isHearing: true, isTelling: true });
});

it("names a queue that exists with other arguments, and works with the others", async () => {
  const [foreign, queue] = [queueName(), queueName()];
  await scene.channel.assertQueue(`millrace.${foreign}`, { durable: true });
  const { broker, told } = await scene.openBroker();
  const heard: string[] = [];
  broker.subscribe([foreign, queue], (each) => void heard.push(each));
  await expect.poll(() => broker.status().trouble).toContain(`millrace.${foreign}`);
  await expect.poll(() => heard).toContain(queue);
  heard.length = 0;

  broker.announce(bareHint(foreign));
  broker.announce(bareHint(queue));

  // By the process itself, which tells itself again with each try to have the hint taken, and through the server.
  await expect.poll(() => new Set(heard)).toEqual(new Set([foreign, queue]));
  expect(told.filter(({ text }) => text.includes(`millrace.${foreign}`))).toHaveLength(1);
});

it("uses a queue as soon as the one with other arguments is deleted", async () => {
  const queue = queueName();
  await scene.channel.assertQueue(`millrace.${queue}`, { durable: true });
  const { broker } = await scene.openBroker();
  broker.subscribe([queue], () => undefined);
  await expect.poll(() => broker.status().isHearing).toBe(false);
  await expect.poll(() => broker.status().trouble).toContain("other arguments");

  await scene.deleteQueue(queue);

  await expect.poll(() => broker.status()).toEqual({ kind: "rabbitmq", isHearing: true, isTelling: true });
});

it("says that the password is wrong, and tries once a second at most", async () => {
  const { broker, told, triedAtMs } = await scene.openBroker({
    url: withWrongPassword(scene.url),
    times: { minPauseMs: 2_000, maxPauseMs: 10_000 },
  });

  broker.announce(bareHint(queueName()));
  await expect.poll(() => broker.status().trouble).toContain("refuses the name or the password");
  await expect.poll(() => triedAtMs.length).toBe(2);

  const [first = 0, second = 0] = triedAtMs;
  expect(second - first).toBeGreaterThan(950);
  expect(told).toHaveLength(1);
});

it("writes neither the password nor a malformed address into the log", async () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ level: "debug", name: "test", destination });
  const broker = createRabbitMqBroker({ url: withWrongPassword(scene.url), logger, times: shortTimes });
  broker.subscribe([queueName()], () => undefined);
  await broker.start();
  await expect.poll(() => lines.length).toBe(2);
  await broker.stop();

  expect(() => createRabbitMqBroker({ url: "amqp://me:secret@:x", logger })).toThrow(
    expect.objectContaining({ code: "invalid_broker_url", message: expect.not.stringContaining("secret") }),
  );
  expect(lines.join("")).not.toContain(wrongPassword);
});

it("hands hints on without counting them as given back, however often", async () => {
  const queue = queueName();
  const { subscription, broker, heard } = await openHearing([queue]);
  await scene.send(queue, Buffer.from(JSON.stringify({ queue, count: 50 })));
  await expect.poll(() => heard).toEqual([queue]);

  for (let nth = 0; nth < 25; nth++) {
    subscription.settle(queue, true);
    subscription.receive(false);
    await expect.poll(() => broker.depth(queue)).toBe(1);
    subscription.receive(true);
    await expect.poll(() => heard).toHaveLength(nth + 2);
  }

  subscription.settle(queue, false);
  await expect.poll(() => broker.depth(queue)).toBe(0);
});

it("passes on at once what is of many jobs, and waits for a slot with a single one", async () => {
  const [many, single] = [queueName(), queueName()];
  const hourMs = 3_600_000;
  const { subscription, heard } = await openHearing([many, single], { graceMs: hourMs });
  await scene.send(many, Buffer.from(JSON.stringify({ queue: many, count: 50 })));
  await expect.poll(() => heard).toEqual([many]);
  const other = await openHearing([many, single]);

  subscription.settle(many, true);
  subscription.receive(false);

  await expect.poll(() => other.heard).toEqual([many]);
  other.subscription.close();
  subscription.receive(true);
  await expect.poll(() => heard).toEqual([many, many]);
  subscription.settle(many, false);
  await scene.send(single, Buffer.from(JSON.stringify({ queue: single })));
  await expect.poll(() => heard).toEqual([many, many, single]);
  const last = await openHearing([single]);

  subscription.settle(single, true);
  subscription.receive(false);

  await quiet();
  expect(last.heard).toEqual([]);
});
