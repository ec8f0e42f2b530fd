import { RedisConnection } from "@millrace/cache";
import type { CallLimiter } from "@millrace/models";
import { newId, silentLogger } from "@millrace/kernel";
import { waitFor } from "@millrace/testing";
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from "vitest";
import { openGround, openUsage, portsOf } from "./scene.ts";
import type { Ground } from "./scene.ts";

const url = process.env.MILLRACE_TEST_REDIS_URL ?? "";
let ground: Ground;
let model: string;
let prefix: string;

beforeAll(async () => {
  ground = await openGround("embedded");
});
afterAll(() => ground.close());
beforeEach(() => {
  model = `a:${newId()}`;
  prefix = `millrace:test:${newId()}:`;
});

async function connect(at = url): Promise<RedisConnection> {
  const redis = new RedisConnection({ url: at, logger: silentLogger, timeoutMs: 5_000, purpose: "holds" });
  await redis.start();
  onTestFinished(() => redis.stop());
  return redis;
}

/** Of one more process, which has looked into the database just now: by itself it looks there again in a second. */
async function limiterWith(redis: RedisConnection): Promise<CallLimiter> {
  const { limiter } = portsOf(await openUsage(ground, {}, { shared: { redis, prefix } }));
  expect(await waitOf(limiter)).toBe(0);
  return limiter;
}

async function waitOf(limiter: CallLimiter): Promise<number> {
  const answer = await limiter.take({ model, owner: "o", tokens: 1 });
  return "waitMs" in answer ? answer.waitMs : 0;
}

it("holds a model back in all processes before their next call", async () => {
  const redis = await connect();
  const [here, there] = [await limiterWith(redis), await limiterWith(redis)];

  here.holdBack(model, 30_000);
  here.holdBack(model, 10_000);
  // Answered after what was sent before it on the same connection.
  await redis.attempt((client) => client.ping(), "");

  expect(await waitOf(there)).toBeGreaterThan(20_000);
});

it("holds a model back by the database when Redis forgets", async () => {
  const redis = await connect();
  const [here, there] = [await limiterWith(redis), await limiterWith(redis)];

  here.holdBack(model, 30_000);
  expect(await redis.attempt((client) => client.del(`${prefix}model:held:${model}`), 0)).toBe(1);

  await waitFor(async () => (await waitOf(there)) > 20_000, { describe: "the other process to know" });
});

it("takes garbage of others in Redis for no hold, and replaces it", async () => {
  const redis = await connect();
  await redis.attempt((client) => client.lpush(`${prefix}model:held:${model}`, "1"), 0);
  const [here, there] = [await limiterWith(redis), await limiterWith(redis)];

  here.holdBack(model, 30_000);
  await redis.attempt((client) => client.ping(), "");

  expect(await waitOf(there)).toBeGreaterThan(20_000);
});

it("limits by the database where Redis is away", async () => {
  const redis = await connect("redis://127.0.0.1:1");
  const [here, there] = [await limiterWith(redis), await limiterWith(redis)];

  here.holdBack(model, 30_000);

  expect(redis.status.isAnswering).toBe(false);
  await waitFor(async () => (await waitOf(there)) > 20_000, { describe: "the other process to know" });
});
