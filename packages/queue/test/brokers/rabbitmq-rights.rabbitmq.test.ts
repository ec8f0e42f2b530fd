import { newId, sleep } from "@millrace/kernel";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { bareHint } from "../../src/brokers/hint.ts";
import { queueName } from "./broker-scene.ts";
import { RabbitMqScene } from "./rabbitmq-scene.ts";

let scene: RabbitMqScene;
const undo: (() => Promise<void>)[] = [];
beforeAll(async () => {
  scene = await RabbitMqScene.open();
});
afterEach(async () => {
  await scene.clear();
  for (const step of undo.splice(0).toReversed()) await step();
});
afterAll(() => scene.close());

/** A user of the server who has these rights, each of them a pattern of names. */
async function urlOfUser(rights: { configure: string; write: string; read: string }): Promise<string> {
  const [name, password] = [`user-${newId()}`, newId()];
  await manage("PUT", `users/${name}`, { password, tags: "" });
  undo.push(() => manage("DELETE", `users/${name}`));
  await manage("PUT", `permissions/%2F/${name}`, rights);
  const url = new URL(scene.url);
  url.username = name;
  url.password = password;
  return url.href;
}

async function manage(method: "PUT" | "DELETE", path: string, body?: object): Promise<void> {
  const { MILLRACE_TEST_RABBITMQ_MANAGEMENT_URL: management } = process.env;
  if (management === undefined) throw new Error("this test needs RabbitMQ's management API");
  const { origin, username, password } = new URL(management);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const response = await fetch(`${origin}/api/${path}`, {
    method,
    headers: { authorization, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`RabbitMQ answered ${response.status} to ${method} ${path}`);
}

it("works for a user who may not make the queue of dead hints", async () => {
  const queue = queueName();
  const url = await urlOfUser({ configure: `millrace\\.${queue}`, write: ".*", read: ".*" });
  const { broker, told } = await scene.openBroker({ url });
  const heard: string[] = [];
  broker.subscribe([queue], (each) => void heard.push(each));
  await expect.poll(() => broker.status()).toEqual({ kind: "rabbitmq", isHearing: true, isTelling: true });
  heard.length = 0;

  broker.announce(bareHint(queue));

  await expect.poll(() => heard).toEqual([queue]);
  expect(told).toEqual([]);
});

it("does not call a wrong password what a user may not do with a queue", async () => {
  const queue = queueName();
  const url = await urlOfUser({ configure: "", write: "", read: "" });
  const { broker } = await scene.openBroker({ url });
  broker.subscribe([queue], () => undefined);
  broker.announce(bareHint(queue));

  await expect.poll(() => broker.status().trouble).toContain(`the queue millrace.${queue}`);
  expect(broker.status().trouble).toContain("does not let Millrace use");
});

it("takes it for well when a queue is full of hints already", async () => {
  const queue = queueName();
  await manage("PUT", `policies/%2F/${queue}`, {
    pattern: `^millrace\\.${queue}$`,
    definition: { "max-length": 2 },
    "apply-to": "queues",
  });
  undo.push(() => manage("DELETE", `policies/%2F/${queue}`));
  const { broker, told } = await scene.openBroker();

  for (let sent = 0; sent < 8; sent += 1) {
    broker.announce(bareHint(queue));
    await sleep(50);
  }

  expect(broker.status()).toEqual({ kind: "rabbitmq", isHearing: true, isTelling: true });
  expect(told).toEqual([]);
  expect(await broker.depth(queue)).toBeLessThan(8);
});
