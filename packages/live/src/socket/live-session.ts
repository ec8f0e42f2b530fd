import { clientFrameSchema } from "@millrace/contracts";
import type { ClientFrame } from "@millrace/contracts";
import { parseJson } from "@millrace/kernel";
import type { BackgroundWork } from "@millrace/kernel";
import { malformedFrame, retrySecondsOf, tooManySubscriptions } from "../errors.ts";
import type { Connection } from "./connection.ts";
import { runSubscription, send } from "./subscription.ts";
import type { SubscribeFrame, SubscriptionPorts } from "./subscription.ts";

/** What one client of `/api/ws` watches. */
export class LiveSession {
  readonly #connection: Connection;
  readonly #ports: SubscriptionPorts;
  readonly #background: BackgroundWork;
  readonly #subscriptions = new Map<string, AbortController>();

  constructor(connection: Connection, ports: SubscriptionPorts, background: BackgroundWork) {
    this.#connection = connection;
    this.#ports = ports;
    this.#background = background;
    connection.signal.addEventListener("abort", () => {
      for (const subscription of this.#subscriptions.values()) subscription.abort();
    });
  }

  greet(): void {
    send(this.#connection, {
      t: "hello",
      server_time: this.#connection.clock.now().toISOString(),
      heartbeat: this.#connection.limits.heartbeatMs / 1_000,
      session: this.#connection.id,
    });
  }

  /** Takes one message of the client. */
  receive(text: string): void {
    const frame = parseFrame(text);
    if (frame === undefined) {
      this.#connection.offend(malformedFrame());
      return;
    }
    switch (frame.op) {
      case "ping":
        send(this.#connection, { t: "pong" });
        return;
      case "unsub":
        this.#subscriptions.get(frame.topic)?.abort();
        this.#subscriptions.delete(frame.topic);
        return;
      case "sub":
        this.#subscribe(frame);
    }
  }

  #subscribe(frame: SubscribeFrame): void {
    const earlier = this.#subscriptions.get(frame.topic);
    if (earlier === undefined && this.#subscriptions.size >= this.#connection.limits.maxSubscriptions) {
      this.#fail(frame, tooManySubscriptions(this.#connection.limits.maxSubscriptions));
      return;
    }
    // Subscribing again begins anew: the client has lost its place.
    earlier?.abort();
    const controller = new AbortController();
    this.#subscriptions.set(frame.topic, controller);
    const { signal } = controller;
    this.#background.run("live.subscription", async () => {
      try {
        await runSubscription({ ports: this.#ports, connection: this.#connection, frame, signal });
      } catch (error) {
        if (!signal.aborted) this.#fail(frame, error);
      } finally {
        if (this.#subscriptions.get(frame.topic) === controller) this.#subscriptions.delete(frame.topic);
      }
    });
  }

  #fail(frame: SubscribeFrame, error: unknown): void {
    const told = this.#connection.describe(error);
    const { code, message } = told;
    const id = frame.id === undefined ? {} : { id: frame.id };
    const seconds = retrySecondsOf(told);
    const retry = seconds === undefined ? {} : { retry_after_seconds: seconds };
    send(this.#connection, { t: "err", ...id, topic: frame.topic, code, message, ...retry });
  }
}

function parseFrame(text: string): ClientFrame | undefined {
  try {
    return clientFrameSchema.parse(parseJson(text));
  } catch {
    // What was wrong with it is the client's matter: it gets `malformed_frame` and an example.
    return undefined;
  }
}
