import { openPostgres } from "@millrace/database";
import { newId, silentLogger, sleep } from "@millrace/kernel";
import { Redis } from "ioredis";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { readState, servicesDirectory } from "../../scripts/services/state.ts";
import type { PeersState } from "../../scripts/services/state.ts";
import { withTemporaryFolder } from "../processes/temporary-folder.ts";
import type { PeerName } from "./peer.ts";

/** The numbers of the Redis databases that benchmarks empty. */
export const redisDatabases = { bullmq: 1, celeryBroker: 2, celeryResults: 3, hints: 4 } as const;

/** Where the servers for benchmarks answer. Throws when they were not started. */
export async function peerServers(): Promise<PeersState> {
  const peers = (await readState(servicesDirectory()))?.peers;
  if (peers !== undefined) return peers;
  throw new Error("The queues to measure against do not run. Start them: npm run services -- start --peers");
}

/** The broker that carries a queue's hints beside its database; undefined when the database does. */
export async function brokerOf(peer: PeerName): Promise<string | undefined> {
  if (peer === "millrace-redis") return `${(await peerServers()).redisUrl}/${redisDatabases.hints}`;
  if (peer !== "millrace-rabbitmq") return undefined;
  const url = (await readState(servicesDirectory()))?.rabbitmqUrl;
  if (url === undefined)
    throw new Error("RabbitMQ does not run. Start it: npm run services -- start --peers");
  return url;
}

/** Gives `work` an empty place for one queue: a database of its own, a Redis database, or a folder. */
export async function withPlace<Result>(
  peer: PeerName,
  work: (connection: string) => Promise<Result>,
): Promise<Result> {
  if (peer === "millrace-embedded") return await withTemporaryFolder(work);
  if (peer === "bullmq") return await work(await emptyRedis(redisDatabases.bullmq));
  return await withPostgresDatabase(work);
}

/** Empties a Redis database and returns its address. */
export async function emptyRedis(database: number): Promise<string> {
  const url = `${(await peerServers()).redisUrl}/${database}`;
  await withRedis(url, async (redis) => {
    await redis.flushdb();
    // Without what is gone, so that Redis has no reason to rewrite the file in the middle of a run.
    await redis.bgrewriteaof();
    while (/aof_rewrite_(in_progress|scheduled):1/.test(await redis.info("persistence"))) await sleep(50);
  });
  return url;
}

export async function withRedis<Result>(
  url: string,
  work: (redis: Redis) => Promise<Result>,
): Promise<Result> {
  const redis = new Redis(url, { maxRetriesPerRequest: 3 });
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

async function withPostgresDatabase<Result>(work: (connection: string) => Promise<Result>): Promise<Result> {
  const { postgresUrl } = await peerServers();
  const name = `millrace_bench_${newId().replaceAll("-", "")}`;
  await onPostgres(postgresUrl, sql.raw(`CREATE DATABASE ${name} TEMPLATE template0`));
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  try {
    return await work(url.href);
  } finally {
    await onPostgres(postgresUrl, sql.raw(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  }
}

/** Runs one statement on a PostgreSQL server, in a connection of its own. */
export async function onPostgres<Row>(url: string, statement: RawBuilder<Row>): Promise<Row[]> {
  const database = openPostgres({ url, poolSize: 1, logger: silentLogger });
  try {
    return (await statement.execute(database.queryable)).rows;
  } finally {
    await database.close();
  }
}

/**
 * Brings a PostgreSQL database into the state that it has after a while in service: with statistics,
 * and without a checkpoint that is due. The others need nothing.
 */
export async function settlePlace(peer: PeerName, connection: string): Promise<void> {
  if (peer === "bullmq" || peer === "millrace-embedded") return;
  await onPostgres(connection, sql`VACUUM (ANALYZE)`);
  await onPostgres(connection, sql`CHECKPOINT`);
}
