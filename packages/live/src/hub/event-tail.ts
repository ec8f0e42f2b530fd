import type { StoredEvent } from "@millrace/queue";
import { eventText } from "./event-text.ts";

/**
 * The newest events of one stream, contiguous and bounded, shared by all who follow it. Knows
 * nothing (`lastSeq` undefined) until a read has reached the end of the stream.
 */
export class EventTail {
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  #events: StoredEvent[] = [];
  #bytes = 0;
  #lastSeq: number | undefined;

  constructor(limits: { readonly maxEvents: number; readonly maxBytes: number }) {
    this.#maxEvents = limits.maxEvents;
    this.#maxBytes = limits.maxBytes;
  }

  /** The number of the newest event known without a gap. */
  get lastSeq(): number | undefined {
    return this.#lastSeq;
  }

  /** Forgets everything and stands at this number. */
  restart(lastSeq: number): void {
    this.#events = [];
    this.#bytes = 0;
    this.#lastSeq = lastSeq;
  }

  /** Takes an event if it is the next one; says whether it did. */
  append(event: StoredEvent): boolean {
    if (this.#lastSeq === undefined || event.seq !== this.#lastSeq + 1) return false;
    this.#events.push(event);
    this.#bytes += eventText(event).length;
    this.#lastSeq = event.seq;
    while (this.#events.length > this.#maxEvents || this.#bytes > this.#maxBytes) {
      const dropped = this.#events.shift();
      if (dropped === undefined) break;
      this.#bytes -= eventText(dropped).length;
    }
    return true;
  }

  /** The events right after this number, or undefined when they are not held here. */
  after(seq: number, limit: number): readonly StoredEvent[] | undefined {
    const first = this.#events[0];
    if (first === undefined || this.#lastSeq === undefined) return undefined;
    if (seq + 1 < first.seq || seq >= this.#lastSeq) return undefined;
    const start = seq + 1 - first.seq;
    return this.#events.slice(start, start + limit);
  }
}
