import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { HealthWatch } from "./health-watch.ts";
import type { Watched } from "./health-watch.ts";

const patientMs = 10_000;
const briefMs = 300;

let server: Server;
let says: { status: number; body: unknown };
let watch: HealthWatch;
let member: Watched;
beforeEach(async () => {
  says = {
    status: 200,
    body: { ready: true, checks: { database: { ok: true, detail: "PostgreSQL answers" } } },
  };
  server = createServer((_request, response) => {
    response.writeHead(says.status).end(JSON.stringify(says.body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  member = { name: "api-1", url: `http://127.0.0.1:${port}`, isUp: true, era: 1 };
  watch = new HealthWatch([member]);
  watch.start();
});
afterEach(async () => {
  await watch.stop();
  server.closeAllConnections();
  server.close();
});

const notReady = { status: 503, body: { ready: false, checks: {} } };
const withoutHints = {
  status: 200,
  body: { ready: true, checks: { hints: { ok: false, detail: "RabbitMQ can't be reached" } } },
};

it("finds a process well that is ready and says that nothing is wrong", async () => {
  expect((await watch.untilWell(Date.now(), patientMs)).isWell).toBe(true);
});

it("sees that a process is not ready", async () => {
  says = notReady;

  expect(await watch.untilShown([{ member, shows: "not ready" }], Date.now(), patientMs)).toEqual([]);
});

it("tells what was not shown", async () => {
  const sign = { member, shows: "not ready" } as const;

  expect(await watch.untilShown([sign], Date.now(), briefMs)).toEqual([sign]);
});

it("takes nothing for shown that was asked before", async () => {
  says = notReady;
  const sign = { member, shows: "not ready" } as const;
  await watch.untilShown([sign], Date.now(), patientMs);
  says = withoutHints;

  expect(await watch.untilShown([sign], Date.now() + patientMs, briefMs)).toEqual([sign]);
});

it("sees a part that fails only in a process that stays ready", async () => {
  const sign = { member, shows: "hints" } as const;
  says = { ...withoutHints, body: { ...withoutHints.body, ready: false } };
  const whenNotReady = await watch.untilShown([sign], Date.now() + briefMs, 2 * briefMs);
  says = withoutHints;
  const whenReady = await watch.untilShown([sign], Date.now(), patientMs);

  expect([whenNotReady, whenReady]).toEqual([[sign], []]);
});

it("says in words what is still wrong", async () => {
  says = withoutHints;
  await watch.untilShown([{ member, shows: "hints" }], Date.now(), patientMs);

  expect(await watch.untilWell(Date.now(), 4 * briefMs)).toEqual({
    isWell: false,
    last: ["api-1 hints: RabbitMQ can't be reached"],
  });
});

it("takes a process that is gone for one that does not answer", async () => {
  server.closeAllConnections();
  server.close();

  expect(await watch.untilShown([{ member, shows: "no answer" }], Date.now(), patientMs)).toEqual([]);
});

describe("a process that is up and blocked", () => {
  const livezLimitMs = 200;

  it("is told by its name when it answers too late", async () => {
    const late = createServer(
      (_request, response) => void setTimeout(() => response.end(), 2 * livezLimitMs),
    );
    late.listen(0, "127.0.0.1");
    await once(late, "listening");
    const { port } = late.address() as AddressInfo;
    const blocked = { ...member, name: "worker-1", url: `http://127.0.0.1:${port}` };
    const itsWatch = new HealthWatch([blocked], { livezLimitMs });
    onTestFinished(async () => {
      await itsWatch.stop();
      late.closeAllConnections();
      late.close();
    });

    itsWatch.start();

    await expect.poll(() => itsWatch.blocked).toContainEqual(expect.stringContaining("worker-1 took "));
    expect(itsWatch.longestLivezMs).toBeGreaterThan(livezLimitMs);
  });

  it("is not when it answers in time", async () => {
    await watch.untilWell(Date.now(), patientMs);
    await expect.poll(() => watch.longestLivezMs).toBeGreaterThan(0);

    expect(watch.blocked).toEqual([]);
  });
});
