import { MillraceError, silentLogger } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bareHint } from "../../src/brokers/hint.ts";
import { openBroker } from "../../src/index.ts";

let opened: TestDatabase;
beforeAll(async () => {
  const [embedded] = testDatabases();
  if (embedded === undefined) throw new Error("there is always the embedded database");
  opened = await embedded.open();
});
afterAll(() => opened.close());

const open = (url?: string) => openBroker({ url, database: opened.database, logger: silentLogger });

it("keeps hints in the process where the database is embedded", async () => {
  const broker = await open();
  const heard: string[] = [];
  await broker.start();
  broker.subscribe(["chat"], (queue) => void heard.push(queue));

  broker.announce(bareHint("chat"));
  await broker.stop();

  expect(heard).toEqual(["chat"]);
  expect(broker.status().kind).toBe("memory");
});

it.each([
  ["redis://127.0.0.1:1", "redis"],
  ["rediss://user:secret@127.0.0.1:1/2", "redis"],
  ["amqp://user:secret@127.0.0.1:1", "rabbitmq"],
  ["amqps://127.0.0.1:1/vhost", "rabbitmq"],
])("takes the broker that %s names", async (url, kind) => {
  const broker = await open(url);

  expect(broker.status().kind).toBe(kind);
  await broker.stop();
});

it("goes by the database that it is told of", async () => {
  const broker = await openBroker({
    database: opened.database,
    directUrl: "postgres://127.0.0.1:1/none",
    logger: silentLogger,
  });

  expect(broker.status().kind).toBe("postgres");
  await broker.stop();
});

it.each(["", "redis", "redis://", "http://secret@127.0.0.1", "kafka://secret@127.0.0.1"])(
  "refuses %j, and does not repeat it",
  async (url) => {
    const error = await open(url).catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(MillraceError);
    expect(error).toMatchObject({ code: "invalid_broker_url" });
    expect(String(error)).not.toContain("secret");
  },
);

it("refuses hints by a database that is embedded", async () => {
  await expect(open("postgres://127.0.0.1/millrace")).rejects.toMatchObject({
    code: "broker_needs_database_server",
  });
});
