import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId, silentLogger } from "@millrace/kernel";
import { waitFor } from "@millrace/testing";
import { z } from "zod";
import { RedisConnection, RedisStore, StoredCache } from "../src/index.ts";
import { cacheSuite } from "./cache-suite.ts";

const hour = 3_600_000;
const url = process.env.MILLRACE_TEST_REDIS_URL ?? "";
const prefix = `millrace:test:${newId()}:`;
let redis: RedisConnection;

beforeAll(async () => {
  redis = new RedisConnection({ url, logger: silentLogger, timeoutMs: 5_000, purpose: "cache" });
  await redis.start();
});
afterAll(async () => {
  await redis.attempt(async (client) => {
    for await (const keys of client.scanStream({ match: `${prefix}*` })) {
      const found = z.array(z.string()).parse(keys);
      if (found.length > 0) await client.del(...found);
    }
  }, undefined);
  await redis.stop();
});

const openStore = () => new RedisStore({ redis, prefix });

describe("in Redis", () => {
  cacheSuite(openStore);

  it("takes what others have put there for nothing, and replaces it", async () => {
    const cache = new StoredCache({ store: openStore(), logger: silentLogger });
    const tag = newId();
    await redis.attempt(async (client) => {
      await client.set(`${prefix}cache:value:garbage`, "{not json");
      await client.lpush(`${prefix}cache:value:list`, "1");
      await client.lpush(`${prefix}cache:lock:list`, "1");
      await client.set(`${prefix}cache:tag:${tag}`, "1");
    }, undefined);

    for (const key of ["garbage", "list"]) {
      expect(await cache.get(key, z.number())).toBeUndefined();
      const options = { ttlMs: hour, schema: z.number(), tags: [tag] };
      expect(await cache.once(key, options, async () => 1)).toBe(1);
      expect(await cache.get(key, z.number())).toBe(1);
    }
    await cache.deleteByTag(tag);
    expect(await cache.get("list", z.number())).toBeUndefined();
  });

  it("lets every key end by itself", async () => {
    const store = openStore();
    const tag = newId();
    await store.write("a", { text: "1", ttlMs: hour, tags: [tag] });
    await store.begin("b", { token: newId(), lockMs: 1_000, tags: [tag] });

    const ends = await redis.attempt(
      (client) =>
        Promise.all(["value:a", "lock:b", `tag:${tag}`].map((name) => client.pttl(`${prefix}cache:${name}`))),
      [],
    );

    expect(ends).toEqual([expect.any(Number), expect.any(Number), expect.any(Number)]);
    expect(ends.filter((ms) => ms <= 0)).toEqual([]);
  });

  it("forgets under a tag the keys that have ended", async () => {
    const store = openStore();
    const tag = newId();
    for (let nth = 0; nth < 20; nth++) await store.write(`s${nth}`, { text: "1", ttlMs: 1, tags: [tag] });

    const left = await waitFor(
      async () => {
        await store.write("last", { text: "1", ttlMs: hour, tags: [tag] });
        const members = await redis.attempt(
          (client) => client.zrange(`${prefix}cache:tag:${tag}`, 0, "-1"),
          [],
        );
        return members.length === 1 && members;
      },
      { describe: "one alone to be left" },
    );
    expect(left).toEqual(["last"]);
  });
});
