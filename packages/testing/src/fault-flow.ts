import type { Socket } from "node:net";

/**
 * What happens to the bytes of one direction of a connection.
 * - `pass`: nothing.
 * - `delay`: each byte arrives `delayMs` later, in order.
 * - `throttle`: at most `bytesPerSecond`.
 * - `black_hole`: nothing arrives, not even the end of the connection. As TCP would after a network that lost
 *   every packet, what was held arrives when the fault ends, unless the connection was given up before.
 * - `cut_after`: this many bytes more arrive, then both ends see the connection close.
 */
export type Fault =
  | { readonly kind: "pass" | "black_hole" }
  | { readonly kind: "delay"; readonly delayMs: number }
  | { readonly kind: "throttle"; readonly bytesPerSecond: number }
  | { readonly kind: "cut_after"; readonly bytes: number };

/** Sees each chunk before the faults do, and may change it, or drop it by giving nothing. */
export type ChunkFilter = (chunk: Buffer) => Buffer | undefined;

type Entry =
  | { readonly kind: "chunk"; readonly chunk: Buffer; readonly arrivedMs: number }
  | { readonly kind: "end"; readonly arrivedMs: number }
  | { readonly kind: "close"; readonly arrivedMs: number };

/** What one flow holds before it no longer reads. Without a limit, a black hole under load would eat memory. */
const maxHeldBytes = 4 * 1024 * 1024;
const throttleSliceMs = 50;

/** Carries what one socket sends to another, with a fault that can change at any time. */
export class FaultFlow {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #held: Entry[] = [];
  #heldBytes = 0;
  #fault: Fault = { kind: "pass" };
  #timer: NodeJS.Timeout | undefined;
  #nextSliceMs = 0;
  #bytesLeft = 0;

  constructor(from: Socket, to: Socket, filter: ChunkFilter) {
    this.#from = from;
    this.#to = to;
    from.on("data", (chunk: Buffer) => {
      const passed = filter(chunk);
      if (passed !== undefined) this.#hold({ kind: "chunk", chunk: passed, arrivedMs: performance.now() });
    });
    from.on("end", () => this.#hold({ kind: "end", arrivedMs: performance.now() }));
    from.on("close", () => this.#hold({ kind: "close", arrivedMs: performance.now() }));
    to.on("drain", () => this.#pump());
    to.on("close", () => this.#drop());
  }

  set(fault: Fault): void {
    this.#fault = fault;
    this.#nextSliceMs = 0;
    if (fault.kind === "cut_after") this.#bytesLeft = fault.bytes;
    this.#pump();
  }

  /** Puts bytes in, as if the sender had sent them. */
  inject(chunk: Buffer): void {
    this.#hold({ kind: "chunk", chunk, arrivedMs: performance.now() });
  }

  /** The receiver sees the end of what is sent; the other direction goes on. */
  halfClose(): void {
    this.#drop();
    this.#to.end();
  }

  #hold(entry: Entry): void {
    if (this.#to.destroyed) return;
    this.#held.push(entry);
    if (entry.kind === "chunk") this.#heldBytes += entry.chunk.length;
    this.#pump();
    if (this.#heldBytes > maxHeldBytes) this.#from.pause();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    for (;;) {
      const entry = this.#held[0];
      if (entry === undefined) break;
      const waitMs = this.#waitMs(entry);
      if (waitMs > 0) {
        if (waitMs < Infinity) this.#timer = setTimeout(() => this.#pump(), waitMs);
        return;
      }
      // A receiver that doesn't read slows the sender down, as without a proxy.
      if (this.#to.writableNeedDrain && entry.kind === "chunk") return;
      this.#held.shift();
      this.#deliver(entry);
    }
    if (this.#from.isPaused()) this.#from.resume();
  }

  #waitMs(entry: Entry): number {
    const fault = this.#fault;
    if (fault.kind === "black_hole") return Infinity;
    if (fault.kind === "delay") return entry.arrivedMs + fault.delayMs - performance.now();
    if (fault.kind === "throttle") return this.#nextSliceMs - performance.now();
    return 0;
  }

  #deliver(entry: Entry): void {
    if (entry.kind === "end") this.#to.end();
    else if (entry.kind === "close") this.#to.destroy();
    else this.#deliverChunk(entry.chunk, entry.arrivedMs);
  }

  #deliverChunk(chunk: Buffer, arrivedMs: number): void {
    this.#heldBytes -= chunk.length;
    const slice = chunk.subarray(0, this.#sliceBytes());
    const rest = chunk.subarray(slice.length);
    if (this.#fault.kind === "throttle") {
      this.#nextSliceMs = performance.now() + (slice.length * 1000) / this.#fault.bytesPerSecond;
    }
    if (this.#fault.kind === "cut_after") {
      this.#bytesLeft -= slice.length;
      if (this.#bytesLeft <= 0) {
        this.#drop();
        this.#to.end(slice, () => this.#cut());
        return;
      }
    }
    this.#to.write(slice);
    if (rest.length === 0) return;
    this.#heldBytes += rest.length;
    this.#held.unshift({ kind: "chunk", chunk: rest, arrivedMs });
  }

  #sliceBytes(): number {
    const fault = this.#fault;
    if (fault.kind === "cut_after") return this.#bytesLeft;
    if (fault.kind === "throttle")
      return Math.max(1, Math.ceil((fault.bytesPerSecond * throttleSliceMs) / 1000));
    return Infinity;
  }

  #cut(): void {
    this.#to.destroy();
    this.#from.destroy();
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#held.length = 0;
    this.#heldBytes = 0;
    // A sender that nobody reads from would never be seen to close.
    if (this.#from.isPaused()) this.#from.resume();
  }
}
