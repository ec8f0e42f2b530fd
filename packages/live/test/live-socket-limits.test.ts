import { closeCodes } from "@millrace/contracts";
import { localAccess } from "@millrace/kernel";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { LiveServer, numbersOf, range } from "./live-server.ts";
import type { LiveServerOptions } from "./live-server.ts";

const topic = "document:1";
let server: LiveServer;

afterEach(async () => {
  await server.stop();
  expect(server.hub.figures()).toMatchObject({ streams: 0, followers: 0, noticeListeners: 0 });
});

async function start(options: LiveServerOptions = {}): Promise<void> {
  server = await LiveServer.start(options);
}

/** Resolves when nobody follows any more. */
async function untilNobodyFollows(): Promise<void> {
  while (server.hub.figures().followers > 0) await new Promise(setImmediate);
}

describe("what a client sends", () => {
  it.each(["{", "[]", '{"op":"dance"}', '{"op":"sub"}', '{"op":"ping","more":1}', "null"])(
    "is answered with malformed_frame when it is %s",
    async (text) => {
      await start();
      const client = await server.connect();

      client.send(text);

      expect(await client.next()).toMatchObject({ t: "err", code: "malformed_frame" });
    },
  );

  it("closes the socket with the fifth malformed frame", async () => {
    await start();
    const client = await server.connect();

    for (const text of ["{", "{", "{", "{", "{"]) client.send(text);

    expect(await client.closed).toMatchObject({ code: 1008 });
  });

  it("takes no binary frames", async () => {
    await start();
    const client = await server.connect();

    client.socket.send(Buffer.from('{"op":"ping"}'), { binary: true });

    expect(await client.next()).toMatchObject({ t: "err", code: "malformed_frame" });
  });

  it("is bounded in size", async () => {
    await start();
    const client = await server.connect();

    client.send(" ".repeat(65_537));

    expect(await client.closed).toMatchObject({ code: 1009 });
  });

  it("is bounded in number of fragments", async () => {
    await start();
    const client = await server.connect();

    for (let index = 0; index < 300; index += 1) client.socket.send("a", { fin: false });

    expect(await client.closed).toMatchObject({ code: 1008 });
  });

  it("is bounded in number per second", async () => {
    await start();
    const client = await server.connect();

    for (let index = 0; index < 100; index += 1) client.send({ op: "ping" });

    expect(await client.closed).toMatchObject({ code: 1008 });
    const frames = client.unread;
    expect(frames.filter((frame) => frame.t === "pong").length).toBeLessThan(70);
    expect(frames.some((frame) => frame.t === "err" && frame.code === "rate_limited")).toBe(true);
  });

  it("is dropped with the name of what it was about, and when to send it again", async () => {
    await start({ limits: { messagesPerSecond: 0.01, messageBurst: 1 } });
    const client = await server.connect();

    client.send({ op: "sub", topic });
    client.send({ op: "sub", topic: "document:2", id: "b" });
    client.send({ op: "unsub", topic: "document:3" });
    client.send({ op: "ping" });
    const refusals = (await client.take(4)).filter((frame) => frame.t === "err");

    const refusal = { t: "err", code: "rate_limited", message: expect.any(String), retry_after_seconds: 1 };
    expect(refusals).toEqual([
      { ...refusal, topic: "document:2", id: "b" },
      { ...refusal, topic: "document:3" },
      refusal,
    ]);
  });

  it("may name at most fifty topics", async () => {
    await start();
    const client = await server.connect();

    for (const index of range(1, 51)) client.send({ op: "sub", topic: `document:${index}` });
    const frames = await client.take(51);

    expect(frames.filter((frame) => frame.t === "snap")).toHaveLength(50);
    expect(frames.find((frame) => frame.t === "err")).toMatchObject({ code: "too_many_subscriptions" });
  });

  it("is not too slow for what came all at once", async () => {
    await start();
    const client = await server.connect();
    client.send({ op: "sub", topic: "jobs" });
    await client.next();

    for (const index of range(1, 1_000)) {
      const data = { job_id: String(index) };
      server.feed.notify({ topic: "jobs", owner: localAccess.workspaceId, type: "job.changed", data });
    }

    const [first] = await client.take(1);
    expect(first).toMatchObject({ t: "ev", topic: "jobs", type: "jobs.changed", data: {} });
    client.send({ op: "ping" });
    await expect.poll(() => client.unread.some((frame) => frame.t === "pong")).toBe(true);
  });

  it("waits until it is known who connected", async () => {
    await start();
    const client = server.open();
    client.socket.on("open", () => client.send({ op: "ping" }));

    expect((await client.take(2)).map((frame) => frame.t)).toEqual(["hello", "pong"]);
  });
});

describe("a client that does not keep up", () => {
  it("is closed with 4408, has cost little, and resumes by number", async () => {
    await start({ limits: { slowClientMs: 150, closeMs: 4_000 } });
    const client = await server.connect();
    client.send({ op: "sub", topic, since: 0 });
    await client.next();
    client.socket.pause();

    const text = "x".repeat(64_000);
    for (const index of range(1, 400)) server.feed.append(topic, "document.progressed", { index, text });
    await untilNobodyFollows();
    const waiting = [...server.app.websocketServer.clients].map((socket) => socket.bufferedAmount);
    client.socket.resume();
    const end = await client.closed;
    const seen = numbersOf(client.unread);
    const again = await server.connect();
    again.send({ op: "sub", topic, since: seen.at(-1) ?? 0 });
    await again.next();

    expect(end).toMatchObject({ code: closeCodes.slowClient });
    expect(Math.max(...waiting)).toBeLessThan(1_048_576);
    expect(seen.length).toBeLessThan(400);
    expect([...seen, ...numbersOf(await again.take(400 - seen.length))]).toEqual(range(1, 400));
  });

  it("is cut off when it does not answer the close", async () => {
    await start({ limits: { slowClientMs: 30, closeMs: 30 } });
    const client = await server.connect();
    client.send({ op: "sub", topic, since: 0 });
    await client.next();
    const [socket] = server.app.websocketServer.clients;
    client.socket.pause();

    const text = "x".repeat(64_000);
    for (const index of range(1, 400)) server.feed.append(topic, "document.progressed", { index, text });
    await once(socket!, "close");

    expect(server.app.websocketServer.clients.size).toBe(0);
  });

  it("is given a long history at the pace it can take", async () => {
    await start({ limits: { pauseAtBytes: 1_000, maxOutgoingMessages: 4 } });
    const text = "x".repeat(900);
    for (const index of range(1, 500)) server.feed.append(topic, "document.progressed", { index, text });
    const client = await server.connect();

    client.send({ op: "sub", topic, since: 0 });
    await client.next();

    expect(numbersOf(await client.take(500))).toEqual(range(1, 500));
  });

  it("is cut off when it no longer answers pings", async () => {
    await start({ limits: { heartbeatMs: 30 } });
    const client = await server.connect({ autoPong: false });

    expect(await client.closed).toMatchObject({ code: 1006 });
  });
});

describe("a server that stops", () => {
  it("closes its sockets with 1012, so that they come back", async () => {
    await start();
    const client = await server.connect();
    client.send({ op: "sub", topic });
    await client.next();

    await server.hub.stop();

    expect(await client.closed).toMatchObject({ code: closeCodes.restart });
  });

  it("closes sockets that watch nothing as well", async () => {
    await start();
    const client = await server.connect();

    await server.app.close();

    expect(await client.closed).toMatchObject({ code: closeCodes.restart });
  });
});
