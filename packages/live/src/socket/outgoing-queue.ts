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
  /** Messages that have left. */
  #taken = 0;
  #stall: NodeJS.Timeout | undefined;
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
      this.#taken += 1;
      this.#messages -= 1;
      this.#bytes -= bytes;
      if (this.#hasRoom()) this.#wake();
    });
    return true;
  }

  /**
   * Resolves true when a message can be sent, false when the socket closed first. Calls `onSlow`
   * when the client took nothing at all for that long.
   */
  async room(): Promise<boolean> {
    while (!this.#isClosed && !this.#hasRoom()) await this.#waitForRoom();
    return !this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#stall);
    this.#wake();
  }

  #hasRoom(): boolean {
    return this.#bytes < this.#limits.pauseAtBytes && this.#messages < this.#limits.maxOutgoingMessages / 2;
  }

  #waitForRoom(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.add(resolve);
      if (this.#stall === undefined) this.#watchForStall();
    });
  }

  #watchForStall(): void {
    const taken = this.#taken;
    this.#stall = setTimeout(() => {
      // If this process itself stood still, what the client took meanwhile is only told now.
      setImmediate(() => {
        this.#stall = undefined;
        if (this.#isClosed || this.#waiters.size === 0) return;
        if (this.#taken === taken) this.#onSlow();
        else this.#watchForStall();
      });
    }, this.#limits.slowClientMs);
    this.#stall.unref();
  }

  #wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }
}
