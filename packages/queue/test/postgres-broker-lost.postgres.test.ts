import { openPostgres } from "@millrace/database";
import { startFaultProxy, waitFor } from "@millrace/testing";
import type { FaultProxy } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { bareHint } from "../src/brokers/hint.ts";
import { createPostgresBroker } from "../src/index.ts";
import { BrokerScene, recordingLogger } from "./postgres-broker-scene.ts";
import type { OpenedBroker } from "./postgres-broker-scene.ts";

let scene: BrokerScene;
beforeAll(async () => {
  scene = await BrokerScene.open();
});
afterEach(() => scene.clear());
afterAll(() => scene.opened.close());

/** Short, because a test waits for them. What is given for an answer must do for a busy machine. */
const times = { lookEveryMs: 50, answerMs: 2_000, minPauseMs: 20, maxPauseMs: 50 };
const hourMs = 3_600_000;

type Filter = (chunk: Buffer) => Buffer | undefined;

async function openProxy(toClient: Filter = (chunk) => chunk): Promise<FaultProxy> {
  const proxy = await startFaultProxy({
    target: scene.url,
    filter: (chunk, direction) => (direction === "to_client" ? toClient(chunk) : chunk),
  });
  scene.atEnd(() => proxy.stop());
  return proxy;
}

/** Lets nothing through the connections that there are, not even their end. New ones work. */
const swallow = (proxy: FaultProxy): void => proxy.set({ kind: "black_hole" }, { scope: "existing" });

/** As the protocol has it: a letter, the length of the rest with itself, the text, a zero. */
function simpleQuery(text: string): Buffer {
  const message = Buffer.alloc(text.length + 6);
  message.write("Q", 0);
  message.writeInt32BE(text.length + 5, 1);
  message.write(text, 5);
  return message;
}

const only = (found: readonly number[]): readonly number[] | undefined =>
  found.length === 1 ? found : undefined;

/** Fails unless it is told what another process says. */
async function expectToHear({ broker }: OpenedBroker): Promise<void> {
  await waitFor(() => broker.isHearing(), { describe: "the broker to hear again" });
  // A subscription of its own: the others are told on connecting, whatever is heard.
  const heard: string[] = [];
  broker.subscribe(["fresh"], (queue) => void heard.push(queue));
  await scene.send("fresh");
  await expect.poll(() => heard).toEqual(["fresh"]);
}

it("hears again after the server has ended its connection, and looks for what it missed", async () => {
  const opened = await scene.openHearing({ queues: ["chat"], times });
  // One of an earlier test may still be on its way out.
  const [pid] = await waitFor(async () => only(await scene.listeners()), { describe: "one listener" });

  await sql`SELECT pg_terminate_backend(${pid})`.execute(scene.opened.database.queryable);

  await expect.poll(() => opened.hints).toEqual(["chat", "chat"]);
  expect(opened.broker.isHearing()).toBe(true);
  await expect.poll(() => scene.listeners()).not.toContain(pid);
  expect(opened.told).toEqual([
    { level: "warn", text: expect.stringContaining("is lost") },
    { level: "info", text: expect.stringContaining("heard again") },
  ]);
});

it("notices a connection that is silently dead, and hears over a new one", async () => {
  const proxy = await openProxy();
  const opened = await scene.openHearing({ queues: ["mail"], listenUrl: proxy.through(scene.url), times });

  swallow(proxy);
  await waitFor(() => !opened.broker.isHearing(), {
    describe: "the broker to notice that nothing comes through",
  });

  await expectToHear(opened);
});

it("notices that its connection no longer listens", async () => {
  let isAnswerKept = false;
  const proxy = await openProxy((chunk) => {
    // A command is answered with "complete", a query with its columns first.
    const isKept = isAnswerKept && chunk[0] === "C".charCodeAt(0);
    if (isKept) isAnswerKept = false;
    return isKept ? undefined : chunk;
  });
  const listenUrl = proxy.through(scene.url);
  const opened = await scene.openHearing({ queues: ["mail"], listenUrl, times });

  isAnswerKept = true;
  proxy.inject("to_server", simpleQuery("UNLISTEN *"));
  // It hears again at once: between two looks it may have said both.
  await expect.poll(() => opened.told.length).toBeGreaterThan(0);

  await expectToHear(opened);
});

it("complains once while it can't connect, and hears when it can", async () => {
  const proxy = await openProxy();
  const opened = await scene.openHearing({ queues: ["mail"], listenUrl: proxy.through(scene.url), times });

  proxy.refuse();
  await expect.poll(() => proxy.counts().refused).toBeGreaterThan(3);
  proxy.restore();

  await expectToHear(opened);
  expect(opened.told.map(({ level }) => level)).toEqual(["warn", "info"]);
});

it("starts while the server is away", async () => {
  const proxy = await openProxy();
  proxy.refuse();
  const opened = await scene.openBroker({ queues: ["mail"], listenUrl: proxy.through(scene.url), times });
  expect(opened.broker.isHearing()).toBe(false);

  proxy.restore();

  await expectToHear(opened);
});

it("stops while nothing comes through its connection, and leaves none in the process", async () => {
  const proxy = await openProxy();
  const { broker } = await scene.openHearing({
    queues: ["mail"],
    listenUrl: proxy.through(scene.url),
    times: { lookEveryMs: hourMs },
  });
  const openSockets = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
  const before = openSockets();
  swallow(proxy);

  await broker.stop();

  await expect.poll(openSockets).toBe(before - 1);
});

it("keeps a hint that the database does not take, and tells others of it without another", async () => {
  const overheard = await scene.overhear();
  const proxy = await openProxy();
  const { broker } = await scene.openBroker({ url: proxy.through(scene.url), times });
  proxy.refuse();
  broker.announce(bareHint("chat"));
  await expect.poll(() => broker.status().isTelling).toBe(false);

  proxy.restore();

  await expect.poll(() => overheard.map((payload) => payload.split(":")[1])).toEqual(["chat"]);
  await expect.poll(() => broker.status().isTelling).toBe(true);
});

it("sends what it has kept with the next hint", async () => {
  const overheard = await scene.overhear();
  const proxy = await openProxy();
  const { broker } = await scene.openBroker({
    url: proxy.through(scene.url),
    times: { ...times, minPauseMs: hourMs, maxPauseMs: hourMs },
  });
  proxy.refuse();
  broker.announce(bareHint("chat"));
  await expect.poll(() => broker.status().isTelling).toBe(false);

  proxy.restore();
  broker.announce(bareHint("mail"));

  await expect
    .poll(() => new Set(overheard.map((payload) => payload.split(":")[1])))
    .toEqual(new Set(["chat", "mail"]));
});

it("complains once of hints that the database does not take", async () => {
  const { broker, database, hints, told } = await scene.openBroker({
    queues: ["chat"],
    times: { ...times, slotMs: 1 },
  });
  await database.close();

  for (let nth = 0; nth < 20; nth++) {
    broker.announce(bareHint("chat"));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await broker.stop();

  expect(hints).toHaveLength(20);
  expect(told.filter(({ text }) => text.includes("could not be told"))).toHaveLength(1);
});

it("stops in a bounded time when the database does not take the last hint", async () => {
  const proxy = await openProxy();
  const { logger } = recordingLogger();
  const database = openPostgres({ url: proxy.through(scene.url), poolSize: 1, logger });
  scene.atEnd(() => database.close());
  const broker = createPostgresBroker({
    database,
    listenUrl: scene.url,
    logger,
    times: { lastWordMs: 50 },
  });
  await sql`SELECT 1`.execute(database.queryable);
  swallow(proxy);

  broker.announce(bareHint("chat"));

  await expect(broker.stop()).resolves.toBeUndefined();
  proxy.refuse();
});
