import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { silentLogger } from "@millrace/kernel";
import { afterEach, expect, it } from "vitest";
import { createThreadedHeartbeat } from "../src/worker/threaded-heartbeat.ts";

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

it("stops while its connection is on its way to a server that never answers", async () => {
  const server = createServer();
  endings.push(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A server that listens on a port has an address of this form.
  const { port } = server.address() as AddressInfo;
  const url = `postgres://nobody@127.0.0.1:${port}/none`;
  const heartbeat = createThreadedHeartbeat({
    settings: { url, leaseMs: 120_000, beatMs: 600 },
    logger: silentLogger,
  });
  heartbeat.hold({ id: "00000000-0000-7000-8000-000000000000", fence: 1 });
  const connecting = once(server, "connection");
  await heartbeat.start();
  await connecting;

  await heartbeat.stop();
  await heartbeat.stop();
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
  await expect.poll(() => diedAtMs.length, { timeout: 10_000 }).toBe(2);

  expect(diedAtMs[1]! - diedAtMs[0]!).toBeGreaterThan(900);
});
