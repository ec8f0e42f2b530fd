import { hostname } from "node:os";
import { createLogger, silentLogger } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { openBroker } from "@millrace/queue";
import type { Broker } from "@millrace/queue";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { ownRabbitmq } from "./ground/brokers.ts";
import type { RabbitmqServer } from "./ground/brokers.ts";
import { makePlace, setDiskFull } from "./ground/place.ts";
import type { Place } from "./ground/place.ts";

/** What RabbitMQ itself can do to the broker, by a node of our own, with the times of production. */

/** A node boots slowly on a machine that is busy with other things. */
const slowly = { timeout: 60_000 };
const bootMs = 180_000;
const well = { kind: "rabbitmq", isHearing: true, isTelling: true };

let place: Place;
let server: RabbitmqServer;
let database: TestDatabase;
const endings: (() => Promise<void>)[] = [];
beforeAll(async () => {
  // Of another release of RabbitMQ, where one is tried.
  place = await makePlace(process.env["MILLRACE_TEST_RABBITMQ_ROOT"]);
  server = await ownRabbitmq(place);
  await server.start();
  const embedded = testDatabases().find(({ name }) => name === "embedded");
  if (embedded === undefined) throw new Error("there is always an embedded database");
  database = await embedded.open();
}, bootMs);
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});
afterAll(async () => {
  await database.close();
  await place.clear();
});

async function open(logger: Logger = silentLogger): Promise<Broker> {
  const broker = await openBroker({ url: server.url, database: database.database, logger });
  endings.push(() => broker.stop());
  await broker.start();
  await expect.poll(() => broker.status(), slowly).toEqual(well);
  return broker;
}

async function openHearing(queue: string, logger?: Logger): Promise<{ broker: Broker; heard: string[] }> {
  const broker = await open(logger);
  const heard: string[] = [];
  broker.subscribe([queue], (told) => void heard.push(told));
  await expect.poll(() => heard, slowly).toEqual([queue]);
  heard.length = 0;
  return { broker, heard };
}

const hint = (queue: string) => ({ queue, count: 1, jobIds: [] });

it("shows on its own page who consumes a queue", async () => {
  await openHearing("shown");

  const consumers = async () => JSON.stringify(await server.manage("GET", "/consumers"));

  // The page learns of it every few seconds.
  await expect.poll(consumers, slowly).toContain(`${hostname()}:${process.pid} shown`);
});

it("has a full queue's hints kept, and takes them when there is room", async () => {
  const broker = await open();
  const policy = { pattern: "^millrace\\.full$", definition: { "max-length": 1 }, "apply-to": "queues" };
  await server.manage("PUT", "/policies/%2F/full", policy);
  await expect
    .poll(() => {
      broker.announce(hint("full"));
      return broker.status().isTelling;
    }, slowly)
    .toBe(false);
  const full = await broker.depth("full");

  await server.manage("DELETE", "/policies/%2F/full");

  await expect.poll(() => broker.status(), slowly).toEqual(well);
  expect(await broker.depth("full")).toBe((full ?? 0) + 1);
});

it(
  "degrades by a memory alarm those who publish, and no one who hears",
  async () => {
    const { broker, heard } = await openHearing("alarmed");
    await server.setMemoryShare(0.00001);

    broker.announce(hint("later"));
    await expect.poll(() => broker.status().trouble, slowly).toContain("alarm");
    expect(broker.status()).toMatchObject({ isHearing: true, isTelling: false });
    broker.announce(hint("alarmed"));
    expect(heard).toEqual(["alarmed"]);
    await server.setMemoryShare(0.6);

    await expect.poll(() => broker.depth("later"), slowly).toBeGreaterThan(0);
    expect(broker.status()).toEqual(well);
  },
  bootMs,
);

it("is found again after it was stopped in order, with the hints that waited", async () => {
  const { broker, heard } = await openHearing("stopped");
  broker.announce(hint("kept"));
  await expect.poll(() => broker.depth("kept"), slowly).toBe(1);

  await server.stop();
  await expect.poll(() => broker.status(), slowly).toMatchObject({ isHearing: false, isTelling: false });
  broker.announce(hint("meanwhile"));
  await server.start();

  await expect.poll(() => broker.status(), slowly).toEqual(well);
  await expect.poll(() => heard, slowly).toContain("stopped");
  await expect.poll(() => broker.depth("kept"), slowly).toBe(1);
  await expect.poll(() => broker.depth("meanwhile"), slowly).toBe(1);
});

it("is found again after it was killed, with the hints that waited", async () => {
  // Of a queue that is not seconds old when the node is killed; see the next test.
  const { broker, heard } = await openHearing("stopped");
  const before = (await broker.depth("kept")) ?? 0;
  broker.announce(hint("kept"));
  await expect.poll(() => broker.depth("kept"), slowly).toBe(before + 1);

  await server.kill9();
  await expect.poll(() => broker.status(), slowly).toMatchObject({ isHearing: false, isTelling: false });
  await server.start();

  await expect.poll(() => broker.status(), slowly).toEqual(well);
  await expect.poll(() => heard, slowly).toContain("stopped");
  await expect.poll(() => broker.depth("kept"), slowly).toBe(before + 1);
});

it(
  "keeps no queue from its hints by another that it can no longer serve, and replaces that one",
  async () => {
    // Made a moment before the node is killed, a quorum queue may stay unavailable for ever: who asks gets no answer.
    const broker = await open();
    broker.announce(hint("young"));
    await expect.poll(() => broker.depth("young"), slowly).toBe(1);
    await server.kill9();
    await server.start();
    await expect.poll(() => broker.status().isTelling, slowly).toBe(true);
    const heard: string[] = [];
    broker.subscribe(["young", "stopped"], (queue) => void heard.push(queue));
    await expect.poll(() => heard, slowly).toContain("stopped");
    heard.length = 0;

    broker.announce(hint("stopped"));
    broker.announce(hint("young"));

    // Of the other one its own process is told without the server.
    await expect.poll(() => new Set(heard), slowly).toEqual(new Set(["stopped", "young"]));
    await expect.poll(() => broker.status(), slowly).toMatchObject({ isHearing: true, isTelling: true });
  },
  bootMs,
);

it(
  "replaces a queue that it can no longer serve, once, whoever notices, and none of the others",
  async () => {
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const logger = createLogger({ level: "info", name: "test", destination });
    const { broker, heard } = await openHearing("damaged", logger);
    const other = await openHearing("damaged", logger);
    broker.announce(hint("healthy"));
    await expect.poll(() => broker.depth("healthy"), slowly).toBe(1);
    await server.stop();
    await server.damageQueue("millrace.damaged");
    await server.start();
    heard.length = 0;

    await expect
      .poll(() => lines.filter((line) => line.includes("broker_queue_replaced")).length, slowly)
      .toBe(1);
    for (const each of [broker, other.broker]) {
      await expect.poll(() => each.status(), slowly).toMatchObject({ isHearing: true, isTelling: true });
    }
    await expect.poll(() => heard, slowly).toContain("damaged");
    other.broker.announce(hint("damaged"));
    await expect.poll(() => [heard, other.heard].flat().length, slowly).toBeGreaterThan(2);

    expect(await broker.depth("healthy")).toBe(1);
    expect(lines.filter((line) => line.includes("broker_queue_replaced"))).toHaveLength(1);
  },
  bootMs,
);

it(
  "hears and tells nothing after its disk was full until it is started again",
  async () => {
    // Without room its log of quorum queues ends, with all of them, and the node goes on without: every consumer's
    // connection is closed with INTERNAL_ERROR. Room alone does not bring them back.
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const logger = createLogger({ level: "info", name: "test", destination });
    const { broker, heard } = await openHearing("filled", logger);
    await setDiskFull(place, true);
    await expect
      .poll(() => {
        broker.announce(hint("filled"));
        return broker.status();
      }, slowly)
      .toMatchObject({ isHearing: false, isTelling: false });
    await setDiskFull(place, false);
    await expect.poll(() => broker.status().trouble, slowly).not.toContain("alarm");
    expect(broker.status()).toMatchObject({ isHearing: false, isTelling: false });
    expect(lines.filter((line) => line.includes("there again to consume"))).toEqual([]);

    await server.stop();
    heard.length = 0;
    await server.start();

    await expect.poll(() => broker.status(), slowly).toEqual(well);
    expect(heard).toContain("filled");
  },
  bootMs,
);
