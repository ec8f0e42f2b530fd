import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { newId, silentLogger, sleep } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { startLoadingRedis, startRedisServer, waitFor } from "@millrace/testing";
import type { RedisServer } from "@millrace/testing";
import { Redis } from "ioredis";
import { z } from "zod";
import { RedisConnection, RedisStore, StoredCache } from "../src/index.ts";

const hour = 3_600_000;
const options = { ttlMs: hour, schema: z.number() };
let server: RedisServer;

beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.kill());

describe("when Redis goes", () => {
  let redis: RedisConnection;
  let cache: StoredCache;
  let lines: string[];

  beforeEach(async () => {
    lines = [];
    const tell = (_fields: unknown, text?: string) => void lines.push(text ?? String(_fields));
    const logger = { ...silentLogger, warn: tell, info: tell } as unknown as Logger;
    // More than by default: a busy machine is not to be taken for a Redis that hangs.
    redis = new RedisConnection({ url: server.url, logger, timeoutMs: 2_000, purpose: "cache" });
    cache = new StoredCache({ store: new RedisStore({ redis, prefix: "millrace:" }), logger });
    onTestFinished(async () => {
      await cache.stop();
      await redis.stop();
    });
    await redis.start();
    await answers();
  });

  const answers = () =>
    waitFor(() => redis.attempt(async (client) => (await client.ping()) === "PONG", false), {
      describe: "Redis to answer",
    });

  it("has nothing, keeps nothing and fails nobody while Redis is dead, and goes on when it is back", async () => {
    await cache.set("killed", 1, { ttlMs: hour, tags: ["t"] });
    await server.kill();
    await waitFor(() => !redis.status.isAnswering, { describe: "the loss to be seen" });

    expect(await cache.get("killed", z.number())).toBeUndefined();
    await cache.set("killed", 2, { ttlMs: hour });
    await cache.delete("killed");
    await cache.deleteByTag("t");
    expect(await cache.once("killed", options, async () => 3)).toBe(3);
    expect(redis.status.trouble).toContain("Redis does not answer");

    await server.restart();
    await answers();
    expect(await cache.once("killed", options, async () => 4)).toBe(4);
    expect(await cache.get("killed", z.number())).toBe(4);
    expect(redis.status).toEqual({ isAnswering: true });
  });

  it("says once that Redis is gone, and once that it is back, however much is asked meanwhile", async () => {
    await server.kill();
    await waitFor(() => !redis.status.isAnswering, { describe: "the loss to be seen" });
    for (let nth = 0; nth < 200; nth++) await cache.get(`k${nth}`, z.number());
    await server.restart();
    await answers();

    expect(lines).toEqual([
      "Redis does not answer as cache: it goes on without, slower",
      "Redis answers again as cache",
    ]);
  });

  it("says of a replica that it keeps nothing, and looks only now and then whether it still is one", async () => {
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    await admin.replicaof("127.0.0.1", 1);
    onTestFinished(async () => void (await admin.replicaof("NO", "ONE")));
    const connections = async (): Promise<number> =>
      Number(/total_connections_received:(\d+)/.exec(await admin.info("stats"))?.[1]);
    const before = await connections();

    for (let nth = 0; nth < 60; nth++) {
      await cache.set(`k${nth}`, nth, { ttlMs: hour });
      await cache.get(`k${nth}`, z.number());
      await sleep(50);
    }

    expect(redis.status).toMatchObject({ isAnswering: false });
    expect(redis.status.trouble).toContain("replica");
    expect((await connections()) - before).toBeLessThanOrEqual(5);
    await admin.replicaof("NO", "ONE");
    await waitFor(() => redis.status.isAnswering, { describe: "the primary to be found" });
    expect(lines).toEqual([
      "Redis does not answer as cache: it goes on without, slower",
      "Redis answers again as cache",
    ]);
  });

  it("starts without Redis and finds it later", async () => {
    await server.kill();
    const late = new RedisConnection({ url: server.url, logger: silentLogger, purpose: "late" });
    onTestFinished(() => late.stop());

    await late.start();
    expect(late.status.isAnswering).toBe(false);
    await server.restart();

    await waitFor(() => late.attempt(async (client) => (await client.ping()) === "PONG", false), {
      describe: "Redis to be found",
    });
  });

  it("gives up a command that Redis does not answer, and does not try each of the next", async () => {
    server.pause();
    onTestFinished(() => server.resume());
    let tried = 0;
    const look = () =>
      redis.attempt((client) => {
        tried++;
        return client.get("hung");
      }, "otherwise");

    expect(await look()).toBe("otherwise");
    for (let nth = 0; nth < 500; nth++) expect(await look()).toBe("otherwise");

    // As many as there are seconds in it, and one more.
    expect(tried).toBeLessThan(20);
    server.resume();
    await answers();
  });

  it("holds no more than a thousand commands on their way", async () => {
    server.pause();
    onTestFinished(() => server.resume());
    let tried = 0;

    await Promise.all(
      Array.from({ length: 5_000 }, () =>
        redis.attempt((client) => {
          tried++;
          return client.get("hung");
        }, null),
      ),
    );

    expect(tried).toBe(1_000);
    server.resume();
    await answers();
  });

  it("loses what was kept to a FLUSHALL, and nothing else", async () => {
    const release = Promise.withResolvers<number>();
    const begun = Promise.withResolvers<void>();
    const computing = cache.once("flushed", options, () => (begun.resolve(), release.promise));
    await begun.promise;
    await redis.attempt((client) => client.flushall(), "OK");
    release.resolve(1);

    // Whether others have computed and lost it meanwhile, nobody knows: it is not kept.
    expect(await computing).toBe(1);
    expect(await cache.get("flushed", z.number())).toBeUndefined();
    expect(await cache.once("flushed", options, async () => 2)).toBe(2);
  });
});

describe("between processes", () => {
  function startChild(key: string, how: { readonly callers: number; readonly computeMs: number }) {
    const script = new URL("counting-child.ts", import.meta.url).pathname;
    const given = [script, server.url, key, `${how.callers}`, `${how.computeMs}`];
    const child = spawn(process.execPath, ["--no-warnings", ...given], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => void lines.push(line));
    const said = (line: string) =>
      waitFor(() => lines.some((given) => given.startsWith(line)), { describe: line });
    return { child, lines, said, ended: once(child, "close") };
  }

  it("computes once for a hundred callers in two processes", async () => {
    const key = newId();
    const children = [1, 2].map(() => startChild(key, { callers: 50, computeMs: 300 }));
    await Promise.all(children.map(({ said }) => said("ready")));

    for (const { child } of children) child.stdin.write("go\n");
    await Promise.all(children.map(({ ended }) => ended));

    const lines = children.flatMap((child) => child.lines);
    expect(lines.filter((line) => line === "computing")).toHaveLength(1);
    expect(new Set(lines.filter((line) => line.startsWith("found"))).size).toBe(1);
  });

  it("computes in another when the process that computed is killed", async () => {
    const key = newId();
    const [first, second] = [
      startChild(key, { callers: 1, computeMs: 600_000 }),
      startChild(key, { callers: 1, computeMs: 1 }),
    ];
    await Promise.all([first.said("ready"), second.said("ready")]);
    first.child.stdin.write("go\n");
    await first.said("computing");
    second.child.stdin.write("go\n");

    first.child.kill("SIGKILL");

    await second.ended;
    expect(second.lines).toContain(`found of ${second.child.pid}`);
  });
});

it("does not wait at the start for a Redis that loads its data, and uses it when it has", async () => {
  const loading = await startLoadingRedis(6);
  onTestFinished(() => loading.kill());
  const redis = new RedisConnection({ url: loading.url, logger: silentLogger, purpose: "cache" });
  onTestFinished(() => redis.stop());
  const startedMs = performance.now();

  await redis.start();

  expect(performance.now() - startedMs).toBeLessThan(4_000);
  expect(redis.status.isAnswering).toBe(false);
  await waitFor(() => redis.attempt(async (client) => (await client.ping()) === "PONG", false), {
    describe: "Redis to answer",
  });
  expect(redis.status.isAnswering).toBe(true);
});
