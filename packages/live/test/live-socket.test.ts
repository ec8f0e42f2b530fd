import { localAccess, MillraceError } from "@millrace/kernel";
import { closeCodes, serverFrameSchema } from "@millrace/contracts";
import { afterEach, describe, expect, it } from "vitest";
import { MemoryEventFeed } from "../src/testing/index.ts";
import { foreignTopic, LiveServer, numbersOf, range, signedOut } from "./live-server.ts";
import type { LiveServerOptions } from "./live-server.ts";

const topic = "document:1";
let server: LiveServer;

afterEach(async () => {
  await server.stop();
  expect(server.hub.figures()).toMatchObject({ streams: 0, followers: 0, noticeListeners: 0 });
  expect(server.feed.listeners).toBe(0);
});

async function start(options: LiveServerOptions = {}): Promise<void> {
  server = await LiveServer.start(options);
}

function append(count: number, type = "document.progressed"): void {
  for (let index = 0; index < count; index += 1) server.feed.append(topic, type, { index });
}

describe("/api/ws", () => {
  it("greets with the subprotocol, its heartbeat and a session", async () => {
    await start();

    const client = await server.open().opened();

    expect(client.socket.protocol).toBe("millrace.v1");
    expect(serverFrameSchema.parse(await client.next())).toMatchObject({ t: "hello", heartbeat: 20 });
  });

  it("takes clients that name no subprotocol", async () => {
    await start();

    const client = await server.open({}, []).opened();

    expect(await client.next()).toMatchObject({ t: "hello" });
  });

  it("refuses clients that only speak other subprotocols", async () => {
    await start();

    expect(await server.open({}, ["graphql-ws"]).closed).toMatchObject({ code: 1006 });
  });

  it("answers plain HTTP with a clear error", async () => {
    await start();

    const response = await fetch(server.url("/api/ws"));

    expect(await response.json()).toEqual({ code: "upgrade_required" });
  });

  it("answers ping", async () => {
    await start();
    const client = await server.connect();

    client.send({ op: "ping" });

    expect(await client.next()).toEqual({ t: "pong" });
  });
});

describe("a subscription", () => {
  it("begins with a snapshot and goes on with events above its number", async () => {
    await start();
    append(3);
    const client = await server.connect();

    client.send({ op: "sub", topic });
    const snap = await client.next();
    append(2);

    expect(snap).toEqual({ t: "snap", topic, seq: 3, data: { last: 3 } });
    const frames = await client.take(2);
    expect(frames.map((frame) => serverFrameSchema.parse(frame))).toEqual(frames);
    expect(numbersOf(frames)).toEqual([4, 5]);
  });

  it("replays what came after `since`, after the snapshot", async () => {
    await start();
    append(300);
    const client = await server.connect();

    client.send({ op: "sub", topic, since: 20 });

    expect(await client.next()).toMatchObject({ t: "snap", seq: 300 });
    expect(numbersOf(await client.take(280))).toEqual(range(21, 300));
  });

  it("loses and doubles nothing over reconnects in the middle of 500 events", async () => {
    await start();
    const seen: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const client = await server.connect();
      client.send({ op: "sub", topic, since: seen.at(-1) ?? 0 });
      append(60);
      await client.next();
      seen.push(...numbersOf(await client.take(37)).map(Number));
      append(40);
      client.socket.terminate();
    }
    const client = await server.connect();

    client.send({ op: "sub", topic, since: seen.at(-1)! });
    await client.next();
    seen.push(...numbersOf(await client.take(500 - seen.length)).map(Number));

    expect(seen).toEqual(range(1, 500));
  });

  it("heals lost, doubled and reordered hints", async () => {
    await start({ feed: new MemoryEventFeed({ hints: "by_hand" }), hub: { tailPollMs: 20 } });
    const client = await server.connect();
    client.send({ op: "sub", topic, since: 0 });
    await client.next();

    const [first, second, third] = range(1, 3).map(() => server.feed.append(topic, "document.progressed"));
    server.feed.hint([third!, third!, first!]);
    server.feed.hint([second!, first!]);
    append(2);

    expect(numbersOf(await client.take(5))).toEqual([1, 2, 3, 4, 5]);
  });

  it("resets when history has expired, and goes on from a new snapshot", async () => {
    await start();
    append(10);
    server.feed.expire(topic, (event) => event.seq < 8);
    const client = await server.connect();

    client.send({ op: "sub", topic, since: 2 });
    const begin = await client.take(3);
    append(1);

    expect(begin.map((frame) => frame.t)).toEqual(["snap", "reset", "snap"]);
    expect(numbersOf([await client.next()])).toEqual([11]);
  });

  it("gives all that is kept around texts that have expired, without a reset", async () => {
    await start();
    append(3);
    server.feed.append(topic, "crew.text_written");
    append(3);
    server.feed.expire(topic, ({ type }) => type === "crew.text_written");
    const client = await server.connect();

    client.send({ op: "sub", topic, since: 0 });
    const [snapshot, ...events] = await client.take(7);

    expect(snapshot?.t).toBe("snap");
    expect(numbersOf(events)).toEqual([1, 2, 3, 5, 6, 7]);
  });

  it("resets a client from the future", async () => {
    await start();
    append(2);
    const client = await server.connect();

    client.send({ op: "sub", topic, since: 9 });

    expect((await client.take(3)).map((frame) => frame.t)).toEqual(["snap", "reset", "snap"]);
  });

  it("gives up when the snapshot contradicts the history again and again", async () => {
    await start({ socket: { snapshot: () => Promise.resolve({ seq: 99, data: {} }) } });
    const client = await server.connect();

    client.send({ op: "sub", topic });
    const frames = await client.take(9);

    expect(frames.at(-1)).toMatchObject({ t: "err", topic, code: "history_unavailable" });
  });

  it("ends with unsub", async () => {
    await start();
    const client = await server.connect();
    client.send({ op: "sub", topic });
    await client.next();

    client.send({ op: "unsub", topic });
    client.send({ op: "ping" });
    await client.next();
    append(3);
    client.send({ op: "ping" });

    expect(await client.next()).toEqual({ t: "pong" });
    expect(server.hub.figures().followers).toBe(0);
  });

  it("begins anew when it is asked for again", async () => {
    await start();
    append(2);
    const client = await server.connect();
    client.send({ op: "sub", topic });
    await client.next();

    client.send({ op: "sub", topic, since: 1 });
    const again = await client.take(2);
    append(1);

    expect(again.map((frame) => frame.t)).toEqual(["snap", "ev"]);
    expect(numbersOf([await client.next()])).toEqual([3]);
    expect(client.unread).toEqual([]);
  });

  it("follows the stream that the snapshot names, under the topic's own name", async () => {
    await start({ socket: { snapshot: () => Promise.resolve({ seq: 0, data: {}, stream: topic }) } });
    const client = await server.connect();

    client.send({ op: "sub", topic: "job:7" });
    await client.next();
    append(1);

    expect(await client.next()).toMatchObject({ t: "ev", topic: "job:7", seq: 1 });
  });

  it("answers with the same error for unknown and foreign topics", async () => {
    await start({ socket: { snapshot: () => Promise.resolve(undefined) } });
    const client = await server.connect();

    client.send({ op: "sub", id: "a", topic: foreignTopic });
    client.send({ op: "sub", id: "b", topic: "document:unknown" });

    const codes = (await client.take(2)).map((frame) => (frame.t === "err" ? frame.code : frame.t));
    expect(codes).toEqual(["not_found", "not_found"]);
  });

  it("says what stays refused without a time to come back", async () => {
    await start({ socket: { snapshot: () => Promise.resolve(undefined) } });
    const client = await server.connect();

    client.send({ op: "sub", topic });

    expect(await client.next()).not.toHaveProperty("retry_after_seconds");
  });

  it("says when to come back while no database connection becomes free", async () => {
    const noConnection = new Error("timeout exceeded when trying to connect");
    await start({ socket: { mayWatch: () => Promise.reject(noConnection) } });
    const client = await server.connect();

    client.send({ op: "sub", id: "mine", topic });

    const frame = serverFrameSchema.parse(await client.next());
    expect(frame).toMatchObject({
      t: "err",
      id: "mine",
      code: "database_unavailable",
      retry_after_seconds: 5,
    });
  });

  it("goes on without gap and without duplicate for a client that comes back after a refusal", async () => {
    let isAway = false;
    const away = new MillraceError({
      code: "database_unavailable",
      kind: "unavailable",
      message: "Away.",
      retryable: true,
      retryAfterSeconds: 0.01,
    });
    const mayWatch = () => (isAway ? Promise.reject(away) : Promise.resolve(true));
    await start({ limits: { recheckMs: 0 }, socket: { mayWatch } });
    const client = await server.connect();
    client.send({ op: "sub", topic });
    await client.next();
    append(2);
    const before = await client.take(2);

    isAway = true;
    append(3);
    const refusal = await client.next();
    isAway = false;
    const snap = await client.subscribe({ topic, since: 2 });
    append(1);

    expect(refusal).toMatchObject({ t: "err", topic, retry_after_seconds: 0.01 });
    expect(snap).toMatchObject({ t: "snap", seq: 5 });
    expect(numbersOf([...before, ...(await client.take(4))])).toEqual(range(1, 6));
  });

  it("tells which subscription failed, and not what went wrong inside", async () => {
    await start({ socket: { snapshot: () => Promise.reject(new Error("secret")) } });
    const client = await server.connect();

    client.send({ op: "sub", id: "mine", topic });
    const frame = await client.next();

    expect(frame).toMatchObject({ t: "err", id: "mine", topic, code: "internal_error" });
    expect(JSON.stringify(frame)).not.toContain("secret");
  });
});

describe("change notices", () => {
  it("reach the workspace they belong to, without numbers, after a snapshot", async () => {
    await start();
    const client = await server.connect();
    client.send({ op: "sub", topic: "workspace" });
    const snap = await client.next();
    const notice = { topic: "workspace", type: "document.created", data: { id: "1" } } as const;

    server.feed.notify({ ...notice, owner: "somebody-else" });
    server.feed.notify({ ...notice, topic: "jobs", owner: localAccess.workspaceId });
    server.feed.notify({ ...notice, owner: localAccess.workspaceId });

    expect(snap).toMatchObject({ t: "snap", topic: "workspace", seq: 0 });
    expect(await client.next()).toMatchObject({ t: "ev", topic: "workspace", seq: null, data: { id: "1" } });
    expect(client.unread).toEqual([]);
  });
});

describe("permission", () => {
  it("ends a subscription that is no longer allowed, before anything more is pushed", async () => {
    await start({ limits: { recheckMs: 0 } });
    const client = await server.connect();
    client.send({ op: "sub", topic });
    await client.next();

    server.denied.add(topic);
    append(1);

    expect(await client.next()).toMatchObject({ t: "err", topic, code: "not_found" });
    expect(server.hub.figures().followers).toBe(0);
  });

  it("closes the socket of a session that has ended, before anything more is pushed", async () => {
    await start({ limits: { recheckMs: 0 } });
    const client = await server.connect();
    client.send({ op: "sub", topic });
    await client.next();

    server.refusal = signedOut();
    append(1);

    expect(await client.closed).toMatchObject({ code: closeCodes.unauthorized });
    expect(client.unread).toMatchObject([{ t: "err", code: "unauthorized" }]);
  });

  it("closes a quiet socket too when its session has ended", async () => {
    await start({ limits: { recheckMs: 0, heartbeatMs: 20 } });
    const client = await server.connect();

    server.refusal = signedOut();

    expect(await client.closed).toMatchObject({ code: closeCodes.unauthorized });
  });

  it("closes a connection that can't be checked now, so that it comes back", async () => {
    await start({
      socket: { authenticate: () => Promise.reject(new Error("timeout exceeded when trying to connect")) },
    });

    expect(await server.open().closed).toMatchObject({ code: 1013, reason: "database_unavailable" });
  });

  it.each([
    ["unauthorized", closeCodes.unauthorized],
    ["forbidden", closeCodes.forbidden],
    ["unavailable", 1013],
  ] as const)("closes a connection that is %s", async (kind, code) => {
    await start();
    server.refusal = new MillraceError({ code: kind, kind, message: "No." });

    expect(await server.open().closed).toMatchObject({ code });
  });

  it("closes a connection whose check takes too long", async () => {
    await start({
      limits: { authenticateMs: 20 },
      socket: { authenticate: () => new Promise(() => undefined) },
    });

    expect(await server.open().closed).toMatchObject({ code: 1013 });
  });
});
