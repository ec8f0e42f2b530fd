import {
  MemoryStore,
  PostgresStore,
  pruneCache,
  RedisConnection,
  RedisStore,
  StoredCache,
} from "@millrace/cache";
import { readInstallationId } from "@millrace/database";
import type { Database } from "@millrace/database";
import type { Lifecycle, Logger } from "@millrace/kernel";
import { createRedisMirrorStore } from "@millrace/queue";
import type { MirrorStore, QueueWorkerOptions } from "@millrace/queue";
import type { Settings } from "../settings.ts";

type Parts = {
  readonly settings: Pick<Settings, "REDIS_URL" | "DATABASE_URL">;
  readonly prefix: string;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
};

/** What the keys of this installation begin with: others may use the same Redis. */
export async function readRedisPrefix(database: Database): Promise<string> {
  return `millrace:${await readInstallationId(database)}:`;
}

type OpenedCache = {
  readonly cache: StoredCache;
  /** Undefined where there is none. */
  readonly redis: RedisConnection | undefined;
};

/**
 * The cache of tasks and plugins: in Redis where there is one, else in PostgreSQL, which all processes share too,
 * and in the memory of the one process in embedded mode. A Redis that is away now does not keep anything from
 * starting.
 */
export async function openCache(parts: Parts & { readonly database: Database }): Promise<OpenedCache> {
  const { settings, database, prefix, logger, lifecycle } = parts;
  const redis = await openRedis(parts, "cache");
  const shared = () =>
    settings.DATABASE_URL === undefined ? new MemoryStore() : new PostgresStore({ database, logger });
  const store = redis === undefined ? shared() : new RedisStore({ redis, prefix });
  const cache = new StoredCache({ store, logger });
  await lifecycle.start(cache);
  return { cache, redis };
}

/**
 * Where copies of jobs are kept; undefined without Redis. On a connection of its own, so that large values of the
 * cache are not in the way of those who ask for jobs.
 */
export async function openMirrorStore(
  parts: Parts,
): Promise<{ readonly store: MirrorStore; readonly redis: RedisConnection } | undefined> {
  const redis = await openRedis(parts, "copies of jobs");
  return redis && { store: createRedisMirrorStore({ redis, prefix: parts.prefix }), redis };
}

/** What one of all workers does for the cache: nothing unless it is in PostgreSQL. */
export function cacheChores(
  database: Database,
  settings: Parts["settings"],
): NonNullable<QueueWorkerOptions["chores"]> {
  if (settings.REDIS_URL !== undefined || settings.DATABASE_URL === undefined) return [];
  const run = (signal: AbortSignal) => pruneCache(database.background, { signal });
  return [{ name: "prune cache", everyMs: 60_000, run }];
}

async function openRedis(
  { settings, logger, lifecycle }: Omit<Parts, "prefix">,
  purpose: string,
): Promise<RedisConnection | undefined> {
  if (settings.REDIS_URL === undefined) return undefined;
  const redis = new RedisConnection({ url: settings.REDIS_URL, logger, purpose });
  await lifecycle.start(redis);
  return redis;
}
