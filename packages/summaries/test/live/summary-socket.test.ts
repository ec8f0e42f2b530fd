import websocket from "@fastify/websocket";
import { closeCodes } from "@millrace/contracts";
import type { Summary, SummaryMessage } from "@millrace/contracts";
import { localAccess, MillraceError, silentLogger } from "@millrace/kernel";
import { createLiveHub, webSocketPluginOptions } from "@millrace/live";
import type { LiveHub, SocketLimits } from "@millrace/live";
import { MemoryEventFeed, SocketClient } from "@millrace/live/testing";
import { fastify } from "fastify";
import type { FastifyInstance } from "fastify";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { summaryEventRoutes, summarySocketRoutes } from "../../src/index.ts";
import { summaryExample } from "./summary-example.ts";

const id = "01900000-0000-7000-8000-00000000000d";
const stream = `summary:${id}`;
const done = { result: "A mill.", model: "m", extractive: false };

let app: FastifyInstance;
let hub: LiveHub;
let feed: MemoryEventFeed;
let clients: SocketClient<SummaryMessage>[];
let summary: Summary;
let isVisible: boolean;
let refusal: MillraceError | undefined;

beforeEach(() => {
  summary = summaryExample(id);
  isVisible = true;
  refusal = undefined;
  clients = [];
});

afterEach(async () => {
  for (const client of clients) client.socket.terminate();
  await hub.stop();
  await app.close();
  expect(hub.figures()).toMatchObject({ streams: 0, followers: 0 });
});

async function start(limits: Partial<SocketLimits> = {}): Promise<string> {
  feed = new MemoryEventFeed();
  hub = createLiveHub({ feed, logger: silentLogger });
  await hub.start();
  app = fastify({ routerOptions: { ignoreTrailingSlash: true } });
  app.register(websocket, webSocketPluginOptions(silentLogger));
  const ports = {
    hub,
    authenticate: () => (refusal === undefined ? Promise.resolve(localAccess) : Promise.reject(refusal)),
    // Every id with this beginning is a summary, so that many can be followed.
    readSnapshot: (_access: unknown, summaryId: string) =>
      Promise.resolve(
        isVisible && summaryId.startsWith("01900000")
          ? {
              seq: feed.lastSeq(`summary:${summaryId}`),
              snapshot: { summary: { ...summary, id: summaryId }, job: null },
            }
          : undefined,
      ),
    mayWatch: () => Promise.resolve(isVisible),
  };
  app.register(summarySocketRoutes, {
    ...ports,
    logger: silentLogger,
    limits,
    accept: () => {
      feed.append(stream, "summary.queued", { job_id: "1", message: "Waiting" });
      return Promise.resolve(id);
    },
  });
  app.register(summaryEventRoutes, ports);
  await app.listen({ port: 0, host: "127.0.0.1" });
  return `127.0.0.1:${(app.server.address() as AddressInfo).port}`;
}

function connect(address: string, path = "/ws/summary/"): Promise<SocketClient<SummaryMessage>> {
  const client = new SocketClient<SummaryMessage>(`ws://${address}${path}`);
  clients.push(client);
  return client.opened();
}

function progress(count: number): void {
  for (let index = 1; index <= count; index += 1) {
    const message = `Read stretch ${feed.lastSeq(stream) + 1}`;
    feed.append(stream, "summary.progressed", { percent: 10, stage: null, message });
  }
}

describe("/ws/summary/", () => {
  it.each(["/ws/summary/", "/ws/summary"])("takes a text and tells how it goes on at %s", async (path) => {
    const client = await connect(await start(), path);

    client.send({ text: "The mill stands by the river." });
    const [first] = await client.take(1);
    feed.append(stream, "summary.started", { attempt: 1 });
    feed.append(stream, "crew.text_written", { text: "A ", reset: true });
    feed.append(stream, "summary.completed", done);

    expect(first).toEqual({ status: "starting", message: "Received: The mill s...", id, seq: 1 });
    expect(await client.take(2)).toEqual([
      { status: "processing", message: "Started processing: The mill s...", id, seq: 2 },
      { status: "done", message: "A mill.", id, seq: 4 },
    ]);
  });

  it("replays what came after `since`, over reconnects in the middle", async () => {
    const address = await start();
    const seen: (number | null)[] = [0];
    for (let round = 0; round < 4; round += 1) {
      const client = await connect(address, `/ws/summary/?since=${seen.at(-1)}`);
      client.send({ id });
      progress(40);
      seen.push(...(await client.take(25)).map(({ seq }) => seq));
      client.socket.terminate();
    }

    expect(seen).toEqual(Array.from({ length: 101 }, (_value, index) => index));
  });

  it("says how a summary stands when its history has expired, and goes on", async () => {
    const address = await start();
    progress(10);
    feed.expire(stream, () => true);
    const client = await connect(address);

    client.send({ id, since: 3 });
    const state = await client.next();
    progress(1);

    expect(state).toMatchObject({ status: "processing", seq: 10 });
    expect(await client.next()).toMatchObject({ message: "Read stretch 11", seq: 11 });
  });

  it("tells a result that has no event any more", async () => {
    const address = await start();
    summary = { ...summary, state: "completed", result: "A mill." };
    const client = await connect(address);

    client.send({ id, since: 0 });

    expect(await client.next()).toEqual({ status: "done", message: "A mill.", id, seq: 0 });
  });

  it("does not tell percentages alone", async () => {
    const client = await connect(await start());
    client.send({ id, since: 0 });
    for (const percent of [10, 20, 30])
      feed.append(stream, "summary.progressed", { percent, stage: null, message: "Writing" });
    feed.append(stream, "summary.completed", done);

    expect((await client.take(2)).map(({ message }) => message)).toEqual(["Writing", "A mill."]);
  });

  it("follows so many at once and no more", async () => {
    const client = await connect(await start());
    for (let index = 0; index < 21; index += 1)
      client.send({ id: `01900000-0000-7000-8000-0000000001${String(index).padStart(2, "0")}` });

    const answers = await client.take(21);

    expect(answers.filter(({ status }) => status === "processing")).toHaveLength(20);
    expect(answers.filter((answer) => answer.error_code === "too_many_followed")).toHaveLength(1);
  });

  it("closes with 4401 for strangers", async () => {
    const address = await start();
    refusal = new MillraceError({ code: "unauthorized", kind: "unauthorized", message: "Sign in." });

    const client = await connect(address);

    expect(await client.closed).toMatchObject({ code: closeCodes.unauthorized });
  });

  it("tells nothing more of a summary that can no longer be seen", async () => {
    const client = await connect(await start({ recheckMs: 0 }));
    client.send({ id });
    await client.next();

    isVisible = false;
    progress(1);

    expect(await client.next()).toMatchObject({ status: "error", id, error_code: "summary_not_found" });
    expect(client.unread).toEqual([]);
  });

  it("closes for who sends nothing that can be read, again and again", async () => {
    const client = await connect(await start());
    for (let count = 0; count < 5; count += 1) client.send("{");

    expect(await client.closed).toMatchObject({ code: 1008 });
  });

  it("refuses a `since` that is no number", async () => {
    const client = await connect(await start(), "/ws/summary/?since=yesterday");

    expect(await client.next()).toMatchObject({ status: "error", error_code: "malformed_since" });
  });
});

describe("/api/summaries/<id>/events", () => {
  it("ends with the work when asked to", async () => {
    const address = await start();
    progress(2);

    const response = await fetch(`http://${address}/api/summaries/${id}/events?until=finished&since=1`);
    feed.append(stream, "summary.failed", { error: "No", error_code: "no" });
    const text = await response.text();

    expect([...text.matchAll(/^event: (.+)$/gmu)].map((match) => match[1])).toEqual([
      "summary.progressed",
      "summary.failed",
    ]);
  });
});
