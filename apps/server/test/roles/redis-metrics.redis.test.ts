import { RedisConnection, RedisStore, StoredCache } from "@millrace/cache";
import { silentLogger } from "@millrace/kernel";
import { startRedisServer, waitFor } from "@millrace/testing";
import { Registry } from "prom-client";
import { afterAll, expect, it } from "vitest";
import { z } from "zod";
import { addRedisMetrics } from "../../src/redis-metrics.ts";

const server = await startRedisServer();
afterAll(() => server.kill());

it("shows hits, misses, what became of commands, and when Redis is away", async () => {
  // Longer than by default: a busy machine is not to be taken for a Redis that hangs.
  const parts = { url: server.url, logger: silentLogger, timeoutMs: 5_000, purpose: "cache" };
  const redis = new RedisConnection(parts);
  const cache = new StoredCache({ store: new RedisStore({ redis, prefix: "test:" }), logger: silentLogger });
  const registry = new Registry();
  addRedisMetrics(registry, { cache, mirror: undefined, redis: [redis] });
  const lines = async () => (await registry.metrics()).split("\n");
  await redis.start();
  const options = { ttlMs: 60_000, schema: z.number() };

  await cache.once("a", options, async () => 1);
  await cache.once("a", options, async () => 2);
  await cache.get("b", z.number());
  const withRedis = await lines();
  await server.kill();
  await waitFor(() => !redis.status.isAnswering, { describe: "the loss" });
  await cache.get("a", z.number());
  const without = await lines();
  await redis.stop();

  expect(withRedis).toEqual(
    expect.arrayContaining([
      'millrace_cache_lookups_total{result="hit"} 1',
      'millrace_cache_lookups_total{result="miss"} 2',
      // Begin, finish, begin, read.
      'millrace_redis_commands_total{purpose="cache",result="answered"} 4',
      'millrace_redis_commands_total{purpose="cache",result="skipped"} 0',
      'millrace_redis_command_seconds_count{purpose="cache"} 4',
      'millrace_redis_answering{purpose="cache"} 1',
    ]),
  );
  expect(without).toEqual(
    expect.arrayContaining([
      'millrace_cache_lookups_total{result="miss"} 3',
      'millrace_redis_commands_total{purpose="cache",result="skipped"} 1',
      'millrace_redis_answering{purpose="cache"} 0',
    ]),
  );
});
