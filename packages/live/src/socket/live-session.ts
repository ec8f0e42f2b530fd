import { clientFrameSchema } from "@millrace/contracts";
import type { ClientFrame, ServerFrame } from "@millrace/contracts";
import { parseJson } from "@millrace/kernel";
import type { BackgroundWork, MillraceError } from "@millrace/kernel";
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
    send(this.#connection, toErrorFrame(this.#connection.describe(error), frame));
  }
}

/** The text that tells of a failure; of a message that was dropped with what it was about, so that it is sent again. */
export function errorFrame(error: MillraceError, text?: string): string {
  return JSON.stringify(toErrorFrame(error, text === undefined ? undefined : parseFrame(text)));
}

function toErrorFrame(error: MillraceError, about: ClientFrame | undefined): ServerFrame {
  const { code, message } = error;
  const id = about?.op === "sub" && about.id !== undefined ? { id: about.id } : {};
  const topic = about === undefined || about.op === "ping" ? {} : { topic: about.topic };
  const seconds = retrySecondsOf(error);
  const retry = seconds === undefined ? {} : { retry_after_seconds: seconds };
  return { t: "err", ...id, ...topic, code, message, ...retry };
}

function parseFrame(text: string): ClientFrame | undefined {
  try {
    return clientFrameSchema.parse(parseJson(text));
  } catch {
    // What was wrong with it is the client's matter: it gets `malformed_frame` and an example.
    return undefined;
  }
}
