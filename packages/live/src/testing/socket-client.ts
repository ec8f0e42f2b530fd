import { once } from "node:events";
import { parseJson } from "@millrace/kernel";
import { WebSocket } from "ws";
import type { ClientOptions } from "ws";

/** How a socket ended. */
export type SocketEnd = { readonly code: number; readonly reason: string };

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
