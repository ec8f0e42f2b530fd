import type { WebSocket } from "@fastify/websocket";
import type { SocketLimits } from "./limits.ts";

/**
 * What waits to leave one socket. Bounded: a message that finds it full calls `onSlow` instead of
 * waiting. Senders with a cursor wait for `room` before each message and never fill it.
 */
export class OutgoingQueue {
  readonly #socket: WebSocket;
  readonly #limits: SocketLimits;
  readonly #onSlow: () => void;
  readonly #waiters = new Set<() => void>();
  #messages = 0;
  #bytes = 0;
  #isClosed = false;

  constructor(socket: WebSocket, limits: SocketLimits, onSlow: () => void) {
    this.#socket = socket;
    this.#limits = limits;
    this.#onSlow = onSlow;
  }

  /** Sends text; false when the socket is closed or too slow. */
  push(message: string | Buffer): boolean {
    if (this.#isClosed) return false;
    const bytes = Buffer.byteLength(message);
    const overflows = this.#messages > 0 && this.#bytes + bytes > this.#limits.maxOutgoingBytes;
    if (overflows || this.#messages >= this.#limits.maxOutgoingMessages) {
      this.#onSlow();
      return false;
    }
    this.#messages += 1;
    this.#bytes += bytes;
    this.#socket.send(message, { binary: false }, () => {
      this.#messages -= 1;
      this.#bytes -= bytes;
      if (this.#hasRoom()) this.#wake();
    });
    return true;
  }

  /**
   * Resolves true when a message can be sent, false when the socket closed first. Calls `onSlow`
   * when the client took nothing for too long.
   */
  async room(): Promise<boolean> {
    while (!this.#isClosed && !this.#hasRoom()) await this.#waitForRoom();
    return !this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  #hasRoom(): boolean {
    return this.#bytes < this.#limits.pauseAtBytes && this.#messages < this.#limits.maxOutgoingMessages / 2;
  }

  #waitForRoom(): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiters.delete(wake);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#onSlow();
        wake();
      }, this.#limits.slowClientMs);
      timer.unref();
      this.#waiters.add(wake);
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) wake();
  }
}
