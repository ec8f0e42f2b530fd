import { once } from "node:events";
import { serverFrameSchema } from "@millrace/contracts";
import { parseJson, sleep } from "@millrace/kernel";
import { WebSocket } from "ws";
import type { ClientOptions } from "ws";

/** How a socket ended. */
export type SocketEnd = { readonly code: number; readonly reason: string };

/** The longest that a client waits between two tries, unless it is told to wait longer. */
const maxRetrySeconds = 60;

/** A WebSocket client for tests: takes messages one by one, each wait with a time limit. */
export class SocketClient<Frame> {
  readonly socket: WebSocket;
  /** Resolves when the socket has closed. */
  readonly closed: Promise<SocketEnd>;
  readonly #frames: Frame[] = [];
  readonly #waiters: ((frame: Frame) => void)[] = [];

  constructor(url: string, protocols: readonly string[] = [], options: ClientOptions = {}) {
    this.socket = new WebSocket(url, [...protocols], options);
    this.socket.on("message", (content: Buffer) => {
      const frame = parseJson(content.toString("utf8")) as Frame;
      const waiter = this.#waiters.shift();
      if (waiter === undefined) this.#frames.push(frame);
      else waiter(frame);
    });
    // A refused upgrade is told by `close` as well.
    this.socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.on("close", (code, reason) => resolve({ code, reason: reason.toString("utf8") }));
    });
  }

  async opened(): Promise<this> {
    if (this.socket.readyState !== WebSocket.OPEN) await once(this.socket, "open");
    return this;
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** The next message. Rejects when none comes in time. */
  async next(limitMs = 5_000): Promise<Frame> {
    const frame = this.#frames.shift();
    if (frame !== undefined) return frame;
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no message within ${limitMs} ms`)), limitMs);
      this.#waiters.push((arrived) => {
        clearTimeout(timer);
        resolve(arrived);
      });
    });
  }

  /**
   * Subscribes to a topic of `/api/ws`, again and again as long as the server says that it may succeed later,
   * after pauses that grow and differ. Gives the first other answer: `snap`, or an `err` that stays. Frames
   * that are not of this topic and come before it are dropped.
   */
  async subscribe(
    topic: { readonly topic: string; readonly since?: number },
    limitMs = 5_000,
  ): Promise<Frame> {
    for (let refusals = 1; ; refusals += 1) {
      this.send({ op: "sub", ...topic });
      const answer = await this.#nextOf(topic.topic, limitMs);
      const seconds = retrySecondsOf(answer);
      if (seconds === undefined) return answer;
      const longest = Math.max(seconds, Math.min(maxRetrySeconds, seconds * 2 ** refusals));
      await sleep((seconds + Math.random() * (longest - seconds)) * 1000);
    }
  }

  async #nextOf(topic: string, limitMs: number): Promise<Frame> {
    for (;;) {
      const frame = await this.next(limitMs);
      const parsed = serverFrameSchema.safeParse(frame).data;
      if (parsed !== undefined && "topic" in parsed && parsed.topic === topic) return frame;
    }
  }

  /** The next messages, so many of them. */
  async take(count: number): Promise<Frame[]> {
    const frames: Frame[] = [];
    while (frames.length < count) frames.push(await this.next());
    return frames;
  }

  /** Messages that came and were not taken. */
  get unread(): readonly Frame[] {
    return this.#frames;
  }

  async close(): Promise<SocketEnd> {
    this.socket.close();
    return await this.closed;
  }
}

function retrySecondsOf(frame: unknown): number | undefined {
  const parsed = serverFrameSchema.safeParse(frame).data;
  return parsed?.t === "err" ? parsed.retry_after_seconds : undefined;
}
