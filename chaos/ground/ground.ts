import { join } from "node:path";
import { openPostgres } from "@millrace/database";
import type { Database } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { startFaultProxy } from "@millrace/testing";
import type { FaultProxy } from "@millrace/testing";
import { ownRabbitmq, ownRedis } from "./brokers.ts";
import type { RabbitmqServer, RedisServer } from "./brokers.ts";
import type { OutsideAddresses } from "../load/outside.ts";
import { makePlace } from "./place.ts";
import type { Place } from "./place.ts";
import { ownPgbouncer, ownPostgres } from "./postgres.ts";
import type { PostgresServer } from "./postgres.ts";
import { Member, migrateProduct } from "./product.ts";
import type { Role } from "./product.ts";
import type { Server } from "./server.ts";

/** `mixed`: the first API and worker use Redis, the others RabbitMQ, on one database. */
export const brokerChoices = ["postgres", "redis", "rabbitmq", "mixed"] as const;
export type BrokerChoice = (typeof brokerChoices)[number];
export type BrokerKind = Exclude<BrokerChoice, "mixed">;

/** One process of the product with a network of its own to each server. */
export type Seat = {
  readonly member: Member;
  readonly broker: BrokerKind;
  /** To pgBouncer, to PostgreSQL itself (for LISTEN), and to the broker, when that is another server. */
  readonly networks: Readonly<Record<NetworkName, FaultProxy>>;
};
export type NetworkName = "database" | "listen" | "broker" | "redis";

/** Everything that a run starts, and may break. */
export type Ground = {
  readonly place: Place;
  readonly postgres: PostgresServer;
  readonly pgbouncer: Server;
  readonly redis: RedisServer;
  readonly rabbitmq: RabbitmqServer;
  readonly seats: readonly Seat[];
  /** Of all processes of the product. */
  readonly dataDirectory: string;
  /** Directly to PostgreSQL, past every fault of the network. */
  readonly database: Database;
  /** Processes that ended though nobody had ended them. */
  readonly unexpectedEnds: { readonly name: string; readonly output: string }[];
  readonly stop: () => Promise<void>;
};

export type GroundOptions = {
  readonly broker: BrokerChoice;
  /** Where tasks report what they do, and ask models. */
  readonly outside: OutsideAddresses;
};

const plan: readonly { readonly name: string; readonly role: Role; readonly mixed: BrokerKind }[] = [
  { name: "api-1", role: "api", mixed: "redis" },
  { name: "api-2", role: "api", mixed: "rabbitmq" },
  { name: "worker-1", role: "worker", mixed: "redis" },
  { name: "worker-2", role: "worker", mixed: "rabbitmq" },
];

export const leaseSeconds = 4;

/** Starts all servers and four processes of the product; ends what it started when that fails. */
export async function openGround(options: GroundOptions): Promise<Ground> {
  const place = await makePlace();
  try {
    return await startAll(place, options);
  } catch (error) {
    await place.clear();
    throw error;
  }
}

async function startAll(place: Place, options: GroundOptions): Promise<Ground> {
  const postgres = await ownPostgres(place);
  const pgbouncer = await ownPgbouncer(place, postgres);
  const redis = await ownRedis(place);
  const rabbitmq = await ownRabbitmq(place);
  const startDatabase = async (): Promise<void> => {
    await postgres.start();
    await pgbouncer.start();
  };
  await Promise.all([startDatabase(), redis.start(), rabbitmq.start()]);
  const database = openPostgres({ url: postgres.url, poolSize: 3, logger: silentLogger });
  const unexpectedEnds: { name: string; output: string }[] = [];
  const servers = { postgres, pgbouncer, redis, rabbitmq };
  await migrateProduct({ DATABASE_URL: postgres.url });
  const dataDirectory = join(place.dataDirectory, "files");
  const seats: Seat[] = [];
  for (const { name, role, mixed } of plan) {
    const broker = options.broker === "mixed" ? mixed : options.broker;
    const networks = await openNetworks(servers, broker);
    const member = new Member({
      name,
      role,
      dataDirectory,
      environment: environmentOf(networks, servers, { ...options, broker }),
      onUnexpectedEnd: (ended, output) => unexpectedEnds.push({ name: ended, output }),
    });
    seats.push({ member, broker, networks });
  }
  await Promise.all(seats.map(({ member }) => member.start()));
  return {
    ...servers,
    place,
    seats,
    dataDirectory,
    database,
    unexpectedEnds,
    stop: async () => {
      await Promise.allSettled(seats.map(({ member }) => member.kill9()));
      await database.close();
      await Promise.all(
        seats.flatMap(({ networks }) => Object.values(networks).map((proxy) => proxy.stop())),
      );
      await place.clear();
    },
  };
}

type Servers = Pick<Ground, "postgres" | "pgbouncer" | "redis" | "rabbitmq">;

async function openNetworks(servers: Servers, broker: BrokerKind): Promise<Seat["networks"]> {
  const [database, listen, toBroker, redis] = await Promise.all(
    [servers.pgbouncer, servers.postgres, servers[broker], servers.redis].map(({ port }) =>
      startFaultProxy({ target: { host: "127.0.0.1", port } }),
    ),
  );
  if (database === undefined || listen === undefined || toBroker === undefined || redis === undefined) {
    throw new Error("A proxy was not started.");
  }
  return { database, listen, broker: toBroker, redis };
}

function environmentOf(
  networks: Seat["networks"],
  servers: Servers,
  { broker, outside }: { readonly broker: BrokerKind; readonly outside: OutsideAddresses },
): Record<string, string> {
  return {
    DATABASE_URL: networks.database.through(servers.pgbouncer.url),
    DATABASE_DIRECT_URL: networks.listen.through(servers.postgres.url),
    BROKER_URL: networks.broker.through(servers[broker].url),
    REDIS_URL: networks.redis.through(servers.redis.url),
    WORKER_CONCURRENCY: "8",
    WORKER_LEASE_SECONDS: String(leaseSeconds),
    // A document must outlive every outage of a run, as the tasks of the program do.
    TASK_OVERRIDES: JSON.stringify({
      "documents.*": { retries: 30, backoff: { firstSeconds: 0.5, factor: 2, capSeconds: 5 } },
    }),
    CHAOS_OUTSIDE_URL: outside.callUrl,
    CHAT_URL: outside.chatUrl,
    CHAT_MODEL: "fake",
    // Never reached, but with a budget each call sets something aside.
    BUDGET_DAY_TOKENS: "1000000000000",
    BUDGET_OWNER_DAY_TOKENS: "1000000000000",
  };
}
