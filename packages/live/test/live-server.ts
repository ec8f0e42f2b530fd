import websocket from "@fastify/websocket";
import { isMillraceError, localAccess, MillraceError, silentLogger } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import type { ServerFrame } from "@millrace/contracts";
import { fastify } from "fastify";
import type { FastifyInstance } from "fastify";
import type { AddressInfo } from "node:net";
import type { ClientOptions } from "ws";
import { createLiveHub, eventRoutes, liveSocketRoutes, webSocketPluginOptions } from "../src/index.ts";
import type {
  EventRouteOptions,
  EventStreamLimits,
  LiveHub,
  LiveHubOptions,
  LiveSocketOptions,
  SocketLimits,
} from "../src/index.ts";
import { MemoryEventFeed, SocketClient } from "../src/testing/index.ts";

export const foreignTopic = "document:foreign";
export const jobId = "01900000-0000-7000-8000-000000000001";

export type LiveServerOptions = {
  readonly feed?: MemoryEventFeed;
  readonly hub?: Partial<LiveHubOptions>;
  readonly limits?: Partial<SocketLimits>;
  readonly streamLimits?: Partial<EventStreamLimits>;
  readonly socket?: Partial<LiveSocketOptions>;
  readonly jobs?: Partial<EventRouteOptions>;
};

/** A server with live routes over events in memory. Everyone is the local person, until refused. */
export class LiveServer {
  readonly feed: MemoryEventFeed;
  readonly hub: LiveHub;
  readonly app: FastifyInstance;
  /** What `authenticate` throws from now on. */
  refusal: MillraceError | undefined;
  /** Topics that `mayWatch` denies from now on. */
  readonly denied = new Set<string>([foreignTopic]);
  readonly #clients: SocketClient<ServerFrame>[] = [];
  #address = "";

  private constructor(options: LiveServerOptions) {
    this.feed = options.feed ?? new MemoryEventFeed();
    this.hub = createLiveHub({ feed: this.feed, logger: silentLogger, ...options.hub });
    this.app = fastify();
    const authenticate = (): Promise<Access> =>
      this.refusal === undefined ? Promise.resolve(localAccess) : Promise.reject(this.refusal);
    this.app.setErrorHandler((error, _request, reply) => {
      const code = isMillraceError(error) ? error.code : "internal_error";
      void reply.code(isMillraceError(error) && error.kind === "not_found" ? 404 : 400).send({ code });
    });
    this.app.register(websocket, webSocketPluginOptions(silentLogger));
    this.app.register(liveSocketRoutes, {
      hub: this.hub,
      logger: silentLogger,
      authenticate,
      snapshot: (_access, topic) =>
        Promise.resolve(
          topic.includes(":")
            ? { seq: this.feed.lastSeq(topic), data: { last: this.feed.lastSeq(topic) } }
            : undefined,
        ),
      mayWatch: (_access, topic) => Promise.resolve(!this.denied.has(topic)),
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      ...options.socket,
    });
    this.app.register(eventRoutes, {
      hub: this.hub,
      authenticate,
      path: "/api/jobs/:id/events",
      tag: "Jobs",
      subject: "a job",
      streamOf: (_access, id) =>
        Promise.resolve(id === jobId && !this.denied.has(`job:${id}`) ? `job:${id}` : undefined),
      readSnapshot: async (_access, id) => {
        const seq = this.feed.lastSeq(`job:${id}`);
        const page = await this.feed.read(`job:${id}`, Math.max(0, seq - 1), 1);
        const last = page.events.at(-1)?.type ?? null;
        return { seq, data: { last }, isFinished: last === "job.succeeded" };
      },
      isEnd: (event) => event.type === "job.succeeded",
      ...(options.streamLimits === undefined ? {} : { limits: options.streamLimits }),
      ...options.jobs,
    });
  }

  static async start(options: LiveServerOptions = {}): Promise<LiveServer> {
    const server = new LiveServer(options);
    await server.hub.start();
    await server.app.listen({ port: 0, host: "127.0.0.1" });
    server.#address = `127.0.0.1:${(server.app.server.address() as AddressInfo).port}`;
    return server;
  }

  url(path: string): string {
    return `http://${this.#address}${path}`;
  }

  /** A client that is connected and has taken `hello`. */
  async connect(options: ClientOptions = {}): Promise<SocketClient<ServerFrame>> {
    const client = await this.open(options).opened();
    const hello = await client.next();
    if (hello.t !== "hello") throw new Error(`expected hello, got ${hello.t}`);
    return client;
  }

  /** A client that may still be connecting. */
  open(
    options: ClientOptions = {},
    protocols: readonly string[] = ["millrace.v1"],
  ): SocketClient<ServerFrame> {
    const client = new SocketClient<ServerFrame>(`ws://${this.#address}/api/ws`, protocols, options);
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.socket.terminate();
    await this.hub.stop();
    await this.app.close();
  }
}

/** What `authenticate` throws for a session that has ended. */
export function signedOut(): MillraceError {
  return new MillraceError({ code: "unauthorized", kind: "unauthorized", message: "Sign in first." });
}

/** The numbers of the event frames among these. */
export function numbersOf(frames: readonly ServerFrame[]): (number | null)[] {
  return frames.flatMap((frame) => (frame.t === "ev" ? [frame.seq] : []));
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_value, index) => from + index);
}
