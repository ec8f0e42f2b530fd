import { silentLogger } from "@millrace/kernel";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { bareHint } from "../src/brokers/hint.ts";
import { handleTask, Queue } from "../src/index.ts";
import { BrokerScene } from "./postgres-broker-scene.ts";
import { hintedTask } from "./postgres-broker-task.ts";

let scene: BrokerScene;
let pooled: string;
beforeAll(async () => {
  scene = await BrokerScene.open();
  if (scene.opened.pgbouncerUrl === undefined) throw new Error("this test needs pgBouncer");
  pooled = scene.opened.pgbouncerUrl;
});
afterEach(() => scene.clear());
afterAll(() => scene.opened.close());

/** Each try to listen asks others to ignore what it sends to itself. */
const tries = (overheard: readonly string[]): number =>
  overheard.filter((payload) => payload.endsWith(":")).length;

it("says once that it can't listen through a pooler, and goes on trying", async () => {
  const overheard = await scene.overhear();
  const { broker, told } = await scene.openBroker({
    queues: ["chat"],
    url: pooled,
    listenUrl: pooled,
    times: { hearMs: 300, unheardPauseMs: 10 },
  });

  await expect.poll(() => tries(overheard)).toBeGreaterThan(3);

  expect(broker.isHearing()).toBe(false);
  expect(told).toEqual([{ level: "warn", text: expect.stringContaining("DATABASE_DIRECT_URL") }]);
});

it("runs jobs by the poll where it can't listen", async () => {
  const { broker, database } = await scene.openBroker({ url: pooled, listenUrl: pooled });
  const ran: string[] = [];
  const run = async ({ input }: { readonly input: { readonly from: string } }): Promise<null> => {
    ran.push(input.from);
    return null;
  };
  const handlers = [handleTask({ task: hintedTask, run })];
  const worker = new Queue({ database, logger: silentLogger, handlers, broker }).createWorker({
    name: "w",
    concurrency: 1,
    leaseMs: 60_000,
    beatMs: 20_000,
    pollMs: 20,
    drainMs: 50,
  });
  scene.atEnd(() => worker.stop());
  await worker.start();
  const other = await scene.openBroker();
  const { database: elsewhere } = other;
  const caller = new Queue({
    database: elsewhere,
    logger: silentLogger,
    handlers: [],
    tasks: [hintedTask],
    broker: other.broker,
  });

  await caller.add(hintedTask, { from: "elsewhere" });

  await expect.poll(() => ran).toEqual(["elsewhere"]);
});

it("hears what is sent through the pooler when it listens without it", async () => {
  const { hints } = await scene.openHearing({ queues: ["chat"], url: pooled });
  const before = hints.length;
  const { broker } = await scene.openBroker({ url: pooled });

  broker.announce(bareHint("chat"));

  await expect.poll(() => hints.slice(before)).toEqual(["chat"]);
});
