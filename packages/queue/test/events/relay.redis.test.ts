import { inspect } from "node:util";
import { newId, silentLogger, sleep } from "@millrace/kernel";
import { startLoadingRedis, startRedisServer, waitFor } from "@millrace/testing";
import { Redis } from "ioredis";
import { expect, it, onTestFinished } from "vitest";
import { missedNews } from "../../src/events/event-relay.ts";
import type { EventNews } from "../../src/events/event-relay.ts";
import { createRedisRelay } from "../../src/events/redis-relay.ts";
import { relaySuite, shortTimes } from "./relay-suite.ts";

relaySuite("Redis", async () => {
  const url = process.env["MILLRACE_TEST_REDIS_URL"];
  if (url === undefined) throw new Error("this test needs Redis");
  const prefix = `test-${newId()}:`;
  return {
    url,
    close: async () => undefined,
    sendingConnections: 1,
    create: async (relayUrl) =>
      createRedisRelay({ url: relayUrl, logger: silentLogger, prefix, times: shortTimes }),
  };
});

const news: EventNews = { heads: [{ stream: "job:a", seq: 7 }], crowded: [], notices: [] };

it("tells the log once that Redis refuses it, and not the password", async () => {
  const url = new URL(process.env["MILLRACE_TEST_REDIS_URL"] ?? "");
  url.username = "stranger";
  url.password = "a-secret-word";
  const told: string[] = [];
  const logger = silentLogger.child({});
  Object.assign(logger, { warn: (...said: unknown[]) => void told.push(inspect(said, { depth: 9 })) });
  const relay = createRedisRelay({ url: url.href, logger, prefix: "millrace:", times: shortTimes });
  onTestFinished(() => relay.stop());
  relay.subscribe(() => undefined);
  await relay.start();

  const refusals = await Promise.allSettled([relay.send(news), relay.send(news), relay.send(news)]);

  expect(refusals.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  await expect.poll(() => told).toHaveLength(1);
  expect(told[0]).toContain("WRONGPASS");
  expect(told[0]).not.toContain("a-secret-word");
});

it("refuses to send within its time while Redis loads its data", async () => {
  const loading = await startLoadingRedis(6);
  onTestFinished(() => loading.kill());
  const times = { ...shortTimes, answerMs: 500 };
  const relay = createRedisRelay({ url: loading.url, logger: silentLogger, prefix: "millrace:", times });
  onTestFinished(() => relay.stop());
  await relay.start();
  const startedMs = performance.now();

  await expect(relay.send(news)).rejects.toThrow();

  expect(performance.now() - startedMs).toBeLessThan(3_000);
  await expect
    .poll(() =>
      relay.send(news).then(
        () => "sent",
        () => "refused",
      ),
    )
    .toBe("sent");
});

/** Two relays at a Redis of their own, one of which hears. */
async function openPair() {
  const server = await startRedisServer();
  onTestFinished(() => server.kill());
  const create = () =>
    createRedisRelay({ url: server.url, logger: silentLogger, prefix: "millrace:", times: shortTimes });
  const [teller, hearer] = [create(), create()];
  for (const relay of [teller, hearer]) {
    onTestFinished(() => relay.stop());
    await relay.start();
  }
  const heard: EventNews[] = [];
  hearer.subscribe((some) => void heard.push(some));
  await waitFor(() => hearer.isHearing(), { describe: "the relay to hear" });
  const send = (): Promise<boolean> =>
    teller.send(news).then(
      () => true,
      () => false,
    );
  await waitFor(send, { describe: "the relay to send" });
  await expect.poll(() => heard).toEqual([missedNews, news]);
  return { server, send, hearer, heard };
}

it("loses nothing to FLUSHALL", async () => {
  const { server, send, heard } = await openPair();
  const client = new Redis(server.url);
  onTestFinished(() => client.disconnect());

  await client.flushall();
  const isSent = await send();

  expect(isSent).toBe(true);
  await expect.poll(() => heard).toEqual([missedNews, news, news]);
});

it("refuses to send while Redis is away, at once, and carries news when it is back", async () => {
  const { server, send, hearer, heard } = await openPair();

  await server.kill();
  await waitFor(() => !hearer.isHearing(), { describe: "the relay to notice" });
  const isSentMeanwhile = await send();
  await server.restart();
  await expect.poll(() => heard.length).toBe(3);
  await waitFor(send, { describe: "the relay to send again" });

  expect(isSentMeanwhile).toBe(false);
  await expect.poll(() => heard).toEqual([missedNews, news, missedNews, news]);
});

it("does not wait for a Redis that hangs, and carries news when it goes on", async () => {
  const { server, send, hearer } = await openPair();

  server.pause();
  const isSentMeanwhile = await send();
  await waitFor(() => !hearer.isHearing(), { describe: "the relay to notice" });
  server.resume();
  await waitFor(() => hearer.isHearing(), { describe: "the relay to hear again" });

  expect(isSentMeanwhile).toBe(false);
  await waitFor(send, { describe: "the relay to send again" });
});

it("says once that Redis refuses the channel, and does not connect again and again", async () => {
  const server = await startRedisServer();
  onTestFinished(() => server.kill());
  const admin = new Redis(server.url);
  onTestFinished(() => admin.disconnect());
  await admin.call("ACL", "SETUSER", "quiet", "on", ">word", "~*", "+@all", "resetchannels");
  const url = new URL(server.url);
  url.username = "quiet";
  url.password = "word";
  const told: string[] = [];
  const logger = silentLogger.child({});
  const tell = (...said: unknown[]): void => void told.push(inspect(said, { depth: 9 }));
  Object.assign(logger, { warn: tell, info: tell });
  const relay = createRedisRelay({ url: url.href, logger, prefix: "millrace:", times: shortTimes });
  onTestFinished(() => relay.stop());
  relay.subscribe(() => undefined);
  await relay.start();
  await expect.poll(() => told).toHaveLength(1);
  const connections = async (): Promise<number> =>
    Number(/total_connections_received:(\d+)/.exec(await admin.info("stats"))?.[1]);
  const before = await connections();

  for (let nth = 0; nth < 20; nth++) {
    await relay.send(news).catch(() => undefined);
    await sleep(100);
  }

  expect(await connections()).toBe(before);
  expect(told).toEqual([expect.stringContaining("NOPERM")]);
  expect(relay.isHearing()).toBe(false);
  await admin.call("ACL", "SETUSER", "quiet", "allchannels");
  await waitFor(() => relay.isHearing(), { describe: "the relay to hear" });
});
