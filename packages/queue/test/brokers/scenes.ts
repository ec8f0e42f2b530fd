/** The scenes of the suite: a broker in the memory, and brokers that several processes reach over networks. */
import { openPostgres } from "@millrace/database";
import type { Database } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { startFaultProxy, testDatabases } from "@millrace/testing";
import type { FaultProxy, TestDatabase } from "@millrace/testing";
import { createMemoryBroker } from "../../src/brokers/memory-broker.ts";
import type { Broker } from "../../src/index.ts";
import type { BrokerScene, SceneOptions } from "./broker-scene.ts";

export type BrokerParts = {
  /** Of the broker's server, through a network of this process's own. */
  readonly url: string;
  /** On a server, also where the jobs are in an embedded one. */
  readonly database: Database;
  readonly logger: Logger;
};

export type RemoteBroker = {
  /** Given that of the database itself, without a pooler. */
  readonly url: (databaseUrl: string) => string;
  readonly create: (parts: BrokerParts) => Broker & Service;
  readonly sendGarbage?: (queue: string) => Promise<void>;
  /** At the end of the file: removes what the tests left at the server. */
  readonly close?: () => Promise<void>;
};

/** One process: all share what they have. */
export async function openMemoryScene({
  on = "embedded",
  isSlow = false,
}: SceneOptions = {}): Promise<BrokerScene> {
  const opened = await openDatabase(on === "embedded" ? "embedded" : "postgres");
  const whole = new Endings();
  whole.add(() => opened.close());
  const database =
    on === "embedded" ? opened.database : await openPool(urlOf(opened, on), { isSlow, endings: whole });
  const endings = new Endings();
  const broker = createMemoryBroker();
  return {
    openProcess: async () => ({ broker, database, stop: async () => undefined }),
    atEnd: (end) => endings.add(end),
    clear: () => endings.run(),
    close: () => whole.run(),
  };
}

/** Each process has a broker and a network of its own and, where the database is on a server, a pool. */
export async function openRemoteScene(
  remote: RemoteBroker,
  { on = "postgres", isSlow = false }: SceneOptions = {},
): Promise<BrokerScene> {
  const server = await openDatabase("postgres");
  const embedded = on === "embedded" ? await openDatabase("embedded") : undefined;
  const url = remote.url(server.url ?? "");
  const endings = new Endings();
  const processes = new Endings();
  return {
    openProcess: async () => {
      const network = await openNetwork(url, isSlow ? nextDelayMs() : 0);
      processes.add(() => network.stop());
      const pool = await openPool(urlOf(server, on), { isSlow, endings: processes });
      const broker = remote.create({ url: network.through(url), database: pool, logger: silentLogger });
      processes.add(() => broker.stop());
      await broker.start();
      return { broker, database: embedded?.database ?? pool, network, stop: () => broker.stop() };
    },
    ...(remote.sendGarbage === undefined ? {} : { sendGarbage: remote.sendGarbage }),
    atEnd: (end) => endings.add(end),
    clear: async () => {
      await endings.run();
      await processes.run();
    },
    close: async () => {
      await remote.close?.();
      await embedded?.close();
      await server.close();
    },
  };
}

class Endings {
  readonly #ends: (() => Promise<void>)[] = [];

  add(end: () => Promise<void>): void {
    this.#ends.push(end);
  }

  async run(): Promise<void> {
    for (const end of this.#ends.splice(0).toReversed()) await end();
  }
}

/** Of one message, each way. So different that hints of two processes change places. */
const slowDelaysMs = [5, 40, 15, 25];
/** Of one statement, each way: a transaction has several. */
const slowDatabaseMs = 2;
let opened = 0;

function nextDelayMs(): number {
  return slowDelaysMs[opened++ % slowDelaysMs.length] ?? 0;
}

/** A network that is as slow again when the faults of a test are over. */
async function openNetwork(target: string, delayMs: number): Promise<FaultProxy> {
  const network = await startFaultProxy({ target });
  if (delayMs === 0) return network;
  const slowDown = (): void => network.set({ kind: "delay", delayMs });
  slowDown();
  return {
    ...network,
    restore: () => {
      network.restore();
      slowDown();
    },
  };
}

async function openPool(
  url: string,
  { isSlow, endings }: { readonly isSlow: boolean; readonly endings: Endings },
): Promise<Database> {
  const network = isSlow ? await openNetwork(url, slowDatabaseMs) : undefined;
  if (network !== undefined) endings.add(() => network.stop());
  const database = openPostgres({
    url: network?.through(url) ?? url,
    poolSize: 4,
    logger: silentLogger,
  });
  endings.add(() => database.close());
  return database;
}

function urlOf(server: TestDatabase, on: SceneOptions["on"]): string {
  const url = on === "pgbouncer" ? server.pgbouncerUrl : server.url;
  if (url === undefined)
    throw new Error(`this test needs ${on === "pgbouncer" ? "pgBouncer" : "PostgreSQL"}`);
  return url;
}

async function openDatabase(name: "embedded" | "postgres"): Promise<TestDatabase> {
  const kind = testDatabases().find((each) => each.name === name);
  if (kind === undefined) throw new Error(`this test needs a database of the kind ${name}`);
  return await kind.open();
}
