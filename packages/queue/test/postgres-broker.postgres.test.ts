import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { silentLogger } from "@millrace/kernel";
import { waitFor } from "@millrace/testing";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { bareHint } from "../src/brokers/hint.ts";
import { handleTask, Queue } from "../src/index.ts";
import { BrokerScene } from "./postgres-broker-scene.ts";
import { hintedTask } from "./postgres-broker-task.ts";

let scene: BrokerScene;
beforeAll(async () => {
  scene = await BrokerScene.open();
});
afterEach(() => scene.clear());
afterAll(() => scene.opened.close());

/** Nothing in these tests may be found by polling. */
const hourMs = 3_600_000;

/** A worker in its own process, as it were. Gives what its jobs were told. */
async function startWorker(): Promise<string[]> {
  const ran: string[] = [];
  const { broker, database } = await scene.openBroker();
  const run = async ({ input }: { readonly input: { readonly from: string } }): Promise<null> => {
    ran.push(input.from);
    return null;
  };
  const handlers = [handleTask({ task: hintedTask, run })];
  const worker = new Queue({ database, logger: silentLogger, handlers, broker }).createWorker({
    name: "w",
    concurrency: 4,
    leaseMs: hourMs,
    beatMs: hourMs,
    pollMs: hourMs,
    drainMs: 50,
  });
  scene.atEnd(() => worker.stop());
  await worker.start();
  await waitFor(() => broker.isHearing(), { describe: "the worker's process to hear" });
  return ran;
}

it("a worker that polls once an hour starts what another process adds", async () => {
  const ran = await startWorker();
  const program = fileURLToPath(new URL("./postgres-broker-caller.ts", import.meta.url));

  const child = spawn(process.execPath, [program, scene.url], { stdio: ["ignore", "inherit", "inherit"] });
  const [exitCode] = (await once(child, "exit")) as [number | null];

  expect(exitCode).toBe(0);
  await expect.poll(() => ran).toEqual(["another process"]);
});

it("makes few notifications of a thousand jobs", async () => {
  const overheard = await scene.overhear();
  const { broker, database } = await scene.openBroker();
  const queue = new Queue({ database, logger: silentLogger, handlers: [], tasks: [hintedTask], broker });

  const startedMs = performance.now();
  const adding = async (): Promise<void> => {
    for (let nth = 0; nth < 50; nth++) await queue.add(hintedTask, { from: "many" });
  };
  await Promise.all(Array.from({ length: 20 }, adding));
  await broker.stop();
  const slots = (performance.now() - startedMs) / 50;
  await scene.send("the end");
  await expect.poll(() => overheard.at(-1)).toBe("the end");

  const notifications = overheard.length - 1;
  expect(notifications).toBeGreaterThan(0);
  expect(notifications).toBeLessThanOrEqual(slots + 2);
});

it("tells subscribers of its own process at once, and a second time neither of them nor of others", async () => {
  const overheard = await scene.overhear();
  const { broker, hints } = await scene.openHearing({ queues: ["chat", "mail"] });
  const before = hints.length;

  broker.announce(bareHint("chat"));
  broker.announce(bareHint("elsewhere"));
  expect(hints.slice(before)).toEqual(["chat"]);

  await expect.poll(() => overheard.filter((payload) => payload.endsWith(":chat"))).toHaveLength(1);
  await scene.send("mail");
  await expect.poll(() => hints.slice(before)).toEqual(["chat", "mail"]);
});

it("tells others only of the queues that they subscribe to", async () => {
  const { hints } = await scene.openHearing({ queues: ["chat"] });
  const { broker } = await scene.openBroker();
  const before = hints.length;

  broker.announce(bareHint("mail"));
  broker.announce(bareHint("chat"));

  await expect.poll(() => hints.slice(before)).toEqual(["chat"]);
});

it("wakes a process 20 times a second at most, however many others tell it of work", async () => {
  const { hints } = await scene.openHearing({ queues: ["chat"] });
  const before = hints.length;

  const startedMs = performance.now();
  for (let nth = 0; nth < 300; nth++) await scene.send("chat");
  const slots = (performance.now() - startedMs) / 50;

  await expect.poll(() => hints.length).toBeGreaterThan(before);
  expect(hints.length - before).toBeLessThanOrEqual(slots + 2);
});

it("opens no connection to listen while nobody subscribes", async () => {
  const overheard = await scene.overhear();
  const { broker } = await scene.openBroker();

  broker.announce(bareHint("chat"));
  await expect.poll(() => overheard).toHaveLength(1);

  await expect.poll(() => scene.listeners()).toEqual([]);
});

it("closes its connection when the last subscription ends", async () => {
  const { broker } = await scene.openBroker();
  const subscriptions = [broker.subscribe(["chat"], () => undefined), broker.subscribe([], () => undefined)];
  await expect.poll(() => broker.isHearing()).toBe(true);

  for (const { close } of subscriptions) close();

  expect(broker.isHearing()).toBe(false);
  await expect.poll(() => scene.listeners()).toEqual([]);
});

it("passes on what was announced, and leaves no connection when it has stopped", async () => {
  const overheard = await scene.overhear();
  const { broker } = await scene.openHearing({ queues: ["chat"] });
  const before = overheard.length;

  broker.announce(bareHint("chat"));
  await Promise.resolve();
  broker.announce(bareHint("mail"));
  await Promise.all([broker.stop(), broker.stop()]);

  await expect
    .poll(() => overheard.slice(before).map((payload) => payload.split(":")[1]))
    .toEqual(["chat", "mail"]);
  await expect.poll(() => scene.listeners()).toEqual([]);
});

it("stays silent when it is announced to or started after it has stopped", async () => {
  const overheard = await scene.overhear();
  const { broker, hints } = await scene.openHearing({ queues: ["chat"] });
  await broker.stop();
  const before = { hints: hints.length, overheard: overheard.length };

  await broker.start();
  broker.announce(bareHint("chat"));
  await scene.send("the end");
  await expect.poll(() => overheard.at(-1)).toBe("the end");

  expect(hints.length).toBe(before.hints + 1);
  expect(overheard.length).toBe(before.overheard + 1);
  await expect.poll(() => scene.listeners()).toEqual([]);
});
