import websocket from "@fastify/websocket";
import { closeCodes } from "@millrace/contracts";
import { isMillraceError, localAccess, MillraceError, silentLogger } from "@millrace/kernel";
import { createLiveHub, webSocketPluginOptions } from "@millrace/live";
import type { LiveHub, SocketLimits } from "@millrace/live";
import { MemoryEventFeed, SocketClient } from "@millrace/live/testing";
import { fastify } from "fastify";
import type { FastifyInstance } from "fastify";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { documentEventRoutes, documentSocketRoutes } from "../../src/live/index.ts";
import type { ArticleMessage } from "../../src/live/article-message.ts";
import { documentSnapshot } from "./document-snapshot-example.ts";

type Message = ArticleMessage | { readonly type: "error"; readonly message: string; readonly code: string };

const id = "01900000-0000-7000-8000-00000000000d";
const stream = `document:${id}`;
let app: FastifyInstance;
let hub: LiveHub;
let feed: MemoryEventFeed;
let clients: SocketClient<Message>[];
let isVisible: boolean;
let refusal: MillraceError | undefined;
let cancelled: string[];

beforeEach(() => {
  isVisible = true;
  refusal = undefined;
  cancelled = [];
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
  app.setErrorHandler((error, _request, reply) => {
    void reply.code(400).send({ code: isMillraceError(error) ? error.code : "internal_error" });
  });
  app.register(websocket, webSocketPluginOptions(silentLogger));
  const ports = {
    hub,
    authenticate: () => (refusal === undefined ? Promise.resolve(localAccess) : Promise.reject(refusal)),
    readSnapshot: (_access: unknown, documentId: string) =>
      Promise.resolve(
        isVisible && documentId === id
          ? { seq: feed.lastSeq(stream), snapshot: documentSnapshot(id) }
          : undefined,
      ),
    mayWatch: (_access: unknown, documentId: string) => Promise.resolve(isVisible && documentId === id),
  };
  app.register(documentSocketRoutes, {
    ...ports,
    logger: silentLogger,
    limits,
    cancel: (_access, documentId) => {
      if (cancelled.includes(documentId)) {
        return Promise.reject(
          new MillraceError({ code: "already_finished", kind: "conflict", message: "It has ended already." }),
        );
      }
      cancelled.push(documentId);
      feed.append(stream, "document.cancelled", { message: "Cancelled" });
      return Promise.resolve();
    },
  });
  app.register(documentEventRoutes, ports);
  await app.listen({ port: 0, host: "127.0.0.1" });
  return `127.0.0.1:${(app.server.address() as AddressInfo).port}`;
}

function connect(address: string, path = `/ws/documents/${id}/`): SocketClient<Message> {
  const client = new SocketClient<Message>(`ws://${address}${path}`);
  clients.push(client);
  return client;
}

function progress(count: number): void {
  for (let index = 1; index <= count; index += 1) {
    feed.append(stream, "document.progressed", {
      percent: index % 100,
      stage: "text_extraction",
      message: `Page ${index}`,
      done: index,
      total: null,
      unit: "pages",
      eta_seconds: null,
    });
  }
}

function numbersOf(messages: readonly Message[]): number[] {
  return messages.flatMap((message) =>
    message.type === "error" || message.type === "document_status" ? [] : [message.seq],
  );
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_value, index) => from + index);
}

describe("/ws/documents/<id>/", () => {
  it.each([`/ws/documents/${id}/`, `/ws/documents/${id}`])(
    "sends document_status first at %s",
    async (path) => {
      const address = await start();
      progress(2);

      const client = connect(address, path);

      expect(await client.next()).toMatchObject({ type: "document_status", document_id: id, seq: 2 });
    },
  );

  it("tells the whole life of a document live", async () => {
    const address = await start();
    const client = connect(address);
    await client.next();

    feed.append(stream, "document.queued", { job_id: "1", message: "Waiting" });
    progress(1);
    feed.append(stream, "document.completed", {
      status: "completed",
      text_length: 10,
      analysis_complete: true,
    });

    const messages = await client.take(3);
    expect(messages.map(({ type }) => type)).toEqual([
      "processing_update",
      "processing_update",
      "processing_complete",
    ]);
    expect(numbersOf(messages)).toEqual([1, 2, 3]);
  });

  it("replays after `since` without gap or duplicate, over reconnects in the middle of 500 events", async () => {
    const address = await start();
    const seen: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const client = connect(address, `/ws/documents/${id}/?since=${seen.at(-1) ?? 0}`);
      progress(50);
      await client.next();
      progress(50);
      seen.push(...numbersOf(await client.take(73)));
      client.socket.terminate();
    }
    const client = connect(address, `/ws/documents/${id}/?since=${seen.at(-1)}`);
    await client.next();
    seen.push(...numbersOf(await client.take(500 - seen.length)));

    expect(seen).toEqual(range(1, 500));
  });

  it("does not let progress go back when a client comes again", async () => {
    const address = await start();
    progress(60);
    feed.append(stream, "document.part_changed", { part: "topics", state: "running", reason: null });
    const client = connect(address, `/ws/documents/${id}/?since=60`);

    const [, replayed] = await client.take(2);

    expect(replayed).toMatchObject({ type: "processing_update", progress: 60, seq: 61 });
  });

  it("sends a new status when the history asked for has expired, and goes on", async () => {
    const address = await start();
    progress(10);
    feed.expire(stream, () => true);
    const client = connect(address, `/ws/documents/${id}/?since=3`);

    const begin = await client.take(2);
    progress(1);

    expect(begin).toMatchObject([
      { type: "document_status", seq: 10 },
      { type: "document_status", seq: 10 },
    ]);
    expect(numbersOf([await client.next()])).toEqual([11]);
  });

  it("answers get_status", async () => {
    const address = await start();
    const client = connect(address);
    await client.next();

    client.send({ type: "get_status" });

    expect(await client.next()).toMatchObject({ type: "document_status", document_id: id });
  });

  it("cancels, and says why when it can't", async () => {
    const address = await start();
    const client = connect(address);
    await client.next();

    client.send({ type: "cancel_processing" });
    const first = await client.next();
    client.send({ type: "cancel_processing" });
    const second = await client.next();

    expect(first).toMatchObject({ type: "processing_cancelled", document_id: id });
    expect(second).toEqual({ type: "error", message: "It has ended already.", code: "already_finished" });
  });

  it.each(["{", "[]", '{"type":"dance"}', "7"])("answers %s with an error and stays open", async (text) => {
    const address = await start();
    const client = connect(address);
    await client.next();

    client.send(text);
    client.send({ type: "get_status" });

    expect((await client.take(2)).map(({ type }) => type)).toEqual(["error", "document_status"]);
  });

  it.each(["01900000-0000-7000-8000-0000000000ff", "not-an-id"])(
    "closes with 4404 for the document %s",
    async (unknown) => {
      const address = await start();
      const client = connect(address, `/ws/documents/${unknown}/`);

      expect(await client.next()).toMatchObject({ type: "error", code: "not_found" });
      expect(await client.closed).toMatchObject({ code: closeCodes.notFound });
    },
  );

  it("closes with 4401 for strangers", async () => {
    const address = await start();
    refusal = new MillraceError({ code: "unauthorized", kind: "unauthorized", message: "Sign in." });

    expect(await connect(address).closed).toMatchObject({ code: closeCodes.unauthorized });
  });

  it("closes with 4404 when the document can no longer be seen, before more is pushed", async () => {
    const address = await start({ recheckMs: 0 });
    const client = connect(address);
    await client.next();

    isVisible = false;
    progress(1);

    expect(await client.closed).toMatchObject({ code: closeCodes.notFound });
    expect(numbersOf(client.unread)).toEqual([]);
  });

  it("refuses a `since` that is no number", async () => {
    const address = await start();

    const client = connect(address, `/ws/documents/${id}/?since=yesterday`);

    expect(await client.next()).toMatchObject({ type: "error", code: "malformed_since" });
  });
});

describe("/api/documents/<id>/events", () => {
  it("ends with the processing when asked to", async () => {
    const address = await start();
    progress(2);

    const response = await fetch(`http://${address}/api/documents/${id}/events?until=finished&since=1`);
    feed.append(stream, "document.failed", { error: "No", error_code: "no" });
    const text = await response.text();

    expect([...text.matchAll(/^event: (.+)$/gmu)].map((match) => match[1])).toEqual([
      "document.progressed",
      "document.failed",
    ]);
  });

  it("gives a snapshot when the history has expired", async () => {
    const address = await start();
    progress(3);
    feed.expire(stream, ({ seq }) => seq < 3);
    const controller = new AbortController();

    const response = await fetch(`http://${address}/api/documents/${id}/events`, {
      signal: controller.signal,
    });
    let text = "";
    for await (const chunk of response.body!) {
      text += new TextDecoder().decode(chunk as Uint8Array);
      if (text.includes("event: snapshot\n") && text.endsWith("\n\n")) break;
    }
    controller.abort();

    expect(text).toMatch(/event: reset\n[^]*\n\nid: 3\nevent: snapshot\n/);
    expect(text).toContain('"title":"Report"');
  });

  it.each(["01900000-0000-7000-8000-0000000000ff", "not-an-id"])(
    "does not know the document %s",
    async (unknown) => {
      const address = await start();

      const response = await fetch(`http://${address}/api/documents/${unknown}/events`);

      expect(await response.json()).toEqual({ code: "not_found" });
    },
  );
});
