import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { silentLogger } from "@millrace/kernel";
import { afterEach, expect, it } from "vitest";
import { createThreadedHeartbeat } from "../src/worker/threaded-heartbeat.ts";

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

const job = { id: "00000000-0000-7000-8000-000000000000", fence: 1 };

/** The address of a server that takes connections and never says anything. */
async function openSilentServer(): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer();
  endings.push(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A server that listens on a port has an address of this form.
  const { port } = server.address() as AddressInfo;
  return { server, url: `postgres://nobody@127.0.0.1:${port}/none` };
}

it("stops while its connection is on its way to a server that never answers", async () => {
  const { server, url } = await openSilentServer();
  const settings = { url, leaseMs: 120_000, beatMs: 600 };
  const heartbeat = createThreadedHeartbeat({ settings, logger: silentLogger });
  const connecting = once(server, "connection");
  await heartbeat.start();
  heartbeat.hold([job], 0);
  await connecting;

  await expect(heartbeat.stop()).resolves.toBeUndefined();
  await expect(heartbeat.stop()).resolves.toBeUndefined();
});

it("gives a job up well before its lease ends, however seldom it beats", async () => {
  const { url } = await openSilentServer();
  const settings = { url, leaseMs: 8_000, beatMs: 3_900 };
  const heartbeat = createThreadedHeartbeat({ settings, logger: silentLogger });
  endings.push(() => heartbeat.stop());
  const lost = Promise.withResolvers<void>();
  heartbeat.listen({ onLost: () => lost.resolve(), onCancelRequested: () => undefined });
  await heartbeat.start();
  heartbeat.hold([job], 0);
  const heldAtMs = performance.now();

  await lost.promise;

  // In its middle, and a second; two beats would be 7.8 s.
  expect(performance.now() - heldAtMs).toBeLessThan(7_000);
});

it("starts a thread that dies at once again after a pause, until it is stopped", async () => {
  const diedAtMs: number[] = [];
  const logger = silentLogger.child({});
  Object.assign(logger, { error: () => void diedAtMs.push(performance.now()) });
  const heartbeat = createThreadedHeartbeat({
    settings: { url: "", leaseMs: Number.NaN, beatMs: 1 },
    logger,
  });
  endings.push(() => heartbeat.stop());

  await heartbeat.start();
  await expect.poll(() => diedAtMs.length).toBe(2);

  expect(diedAtMs[1]! - diedAtMs[0]!).toBeGreaterThan(900);
});

it("gives jobs up in time although no thread comes to beat for them, and says so", async () => {
  const { url } = await openSilentServer();
  const heartbeat = createThreadedHeartbeat({
    settings: { url, leaseMs: 4_000, beatMs: 500 },
    logger: silentLogger,
    threadUrl: new URL("./nowhere.ts", import.meta.url),
  });
  endings.push(() => heartbeat.stop());
  const lost = Promise.withResolvers<unknown>();
  heartbeat.listen({ onLost: (held) => lost.resolve(held), onCancelRequested: () => undefined });
  await heartbeat.start();
  expect(heartbeat.doesLand).toBe(true);
  heartbeat.hold([job], 0);
  const heldAtMs = performance.now();

  expect(await lost.promise).toEqual(job);

  expect(performance.now() - heldAtMs).toBeLessThan(4_000);
  expect(heartbeat.doesLand).toBe(false);
});
