/** The scenes of the suite: a broker in the memory, and brokers that several processes reach over networks. */
import { openPostgres } from "@millrace/database";
import type { Database } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { startFaultProxy, testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { createMemoryBroker } from "../../src/brokers/memory-broker.ts";
import type { Broker } from "../../src/index.ts";
import type { BrokerScene } from "./broker-scene.ts";

export type BrokerParts = {
  /** Of the broker's server, through a network of this process's own. */
  readonly url: string;
  readonly database: Database;
  readonly logger: Logger;
};

export type RemoteBroker = {
  /** Given that of the database itself, without a pooler. */
  readonly url: (databaseUrl: string) => string;
  readonly create: (parts: BrokerParts) => Broker & Service;
  readonly sendGarbage?: (queue: string) => Promise<void>;
  /** The processes reach the database through pgBouncer in transaction mode. Default: directly. */
  readonly isPooled?: boolean;
  /** At the end of the file: removes what the tests left at the server. */
  readonly close?: () => Promise<void>;
};

/** One process: all share what they have. */
export async function openMemoryScene(): Promise<BrokerScene> {
  const opened = await openDatabase("embedded");
  const endings = new Endings();
  const broker = createMemoryBroker();
  return {
    openProcess: async () => ({ broker, database: opened.database, stop: async () => undefined }),
    atEnd: (end) => endings.add(end),
    clear: () => endings.run(),
    close: () => opened.close(),
  };
}

/** Each process has a broker, a network and a pool of its own. */
export async function openRemoteScene(remote: RemoteBroker): Promise<BrokerScene> {
  const opened = await openDatabase("postgres");
  const directUrl = opened.url ?? "";
  const databaseUrl = remote.isPooled === true ? opened.pgbouncerUrl : directUrl;
  if (databaseUrl === undefined) throw new Error("this test needs pgBouncer");
  const url = remote.url(directUrl);
  const endings = new Endings();
  const processes = new Endings();
  return {
    openProcess: async () => {
      const network = await startFaultProxy({ target: url });
      processes.add(() => network.stop());
      const database = openPostgres({ url: databaseUrl, poolSize: 4, logger: silentLogger });
      processes.add(() => database.close());
      const broker = remote.create({ url: network.through(url), database, logger: silentLogger });
      processes.add(() => broker.stop());
      await broker.start();
      return { broker, database, network, stop: () => broker.stop() };
    },
    ...(remote.sendGarbage === undefined ? {} : { sendGarbage: remote.sendGarbage }),
    atEnd: (end) => endings.add(end),
    clear: async () => {
      await endings.run();
      await processes.run();
    },
    close: async () => {
      await remote.close?.();
      await opened.close();
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

async function openDatabase(name: "embedded" | "postgres"): Promise<TestDatabase> {
  const kind = testDatabases().find((each) => each.name === name);
  if (kind === undefined) throw new Error(`this test needs a database of the kind ${name}`);
  return await kind.open();
}
