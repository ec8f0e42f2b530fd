import { QueryClient, QueryObserver } from "@tanstack/react-query";
import type { SocketHandlers } from "../src/live/environment.ts";
import { QueryRenewals } from "../src/live/query-renewals.ts";
import { LiveSocket } from "../src/live/socket.ts";

/** A socket that tells of one topic, and the requests that pages make for one answer. */
export class LiveTopic {
  readonly queries = new QueryClient();
  readonly renewals = new QueryRenewals(this.queries);
  readonly socket: LiveSocket;
  requests = 0;
  #handlers: SocketHandlers | undefined;
  readonly #topic: string;

  constructor(topic: string) {
    this.#topic = topic;
    this.socket = new LiveSocket({
      openSocket: (handlers) => {
        this.#handlers = handlers;
        return { send: () => undefined, close: () => undefined };
      },
      random: () => 0,
      watchWake: () => () => undefined,
      beforePaint: (run) => run(),
    });
    this.socket.start();
  }

  /** Counts how often the answer is asked for from now on. */
  show(queryKey: readonly unknown[]): void {
    this.queries.setQueryData(queryKey, 0);
    new QueryObserver(this.queries, {
      queryKey,
      queryFn: () => (this.requests += 1),
      staleTime: Number.POSITIVE_INFINITY,
    }).subscribe(() => undefined);
  }

  tell(type: string, data: Readonly<Record<string, unknown>> = {}): void {
    const at = "2026-11-20T12:00:00Z";
    this.#handlers?.onMessage(JSON.stringify({ t: "ev", topic: this.#topic, seq: null, type, data, at }));
  }

  stop(): void {
    this.socket.stop();
    this.renewals.stop();
    this.queries.clear();
  }
}
