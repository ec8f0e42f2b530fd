import type {
  ChangeNotice,
  EventFeed,
  StoredEvent,
  StreamHead,
  StreamPage,
  StreamsMoved,
} from "@millrace/queue";

/**
 * Events in memory, for tests. Hints go out at once unless `hints` is `"by_hand"`: then the test
 * calls `hint` itself, and may lose, double or reorder them.
 */
export class MemoryEventFeed implements EventFeed {
  readonly #hints: "at_once" | "by_hand";
  readonly #streams = new Map<string, StoredEvent[]>();
  readonly #lastSeqs = new Map<string, number>();
  readonly #eventListeners = new Set<(events: readonly StoredEvent[]) => void>();
  readonly #movedListeners = new Set<(moved: StreamsMoved) => void>();
  readonly #noticeListeners = new Set<(notice: ChangeNotice) => void>();
  #reads = 0;
  #headReads = 0;
  #failures = 0;

  constructor(options: { readonly hints?: "at_once" | "by_hand" } = {}) {
    this.#hints = options.hints ?? "at_once";
  }

  /** How often `read` was called. */
  get reads(): number {
    return this.#reads;
  }

  /** How often `readHeads` was called. */
  get headReads(): number {
    return this.#headReads;
  }

  /** How many listen to events or notices. */
  get listeners(): number {
    return this.#eventListeners.size + this.#movedListeners.size + this.#noticeListeners.size;
  }

  readonly read = (stream: string, after: number, limit: number): Promise<StreamPage> => {
    this.#reads += 1;
    if (this.#failures > 0) {
      this.#failures -= 1;
      return Promise.reject(new Error("the store can't be reached"));
    }
    const stored = this.#streams.get(stream) ?? [];
    const lastSeq = this.#lastSeqs.get(stream) ?? 0;
    return Promise.resolve({
      events: stored.filter((event) => event.seq > after).slice(0, limit),
      lastSeq,
      oldestSeq: stored[0]?.seq ?? lastSeq + 1,
    });
  };

  readonly readHeads = (streams: readonly string[]): Promise<readonly StreamHead[]> => {
    this.#headReads += 1;
    if (this.#failures > 0) {
      this.#failures -= 1;
      return Promise.reject(new Error("the store can't be reached"));
    }
    const known = streams.filter((stream) => this.#lastSeqs.has(stream));
    return Promise.resolve(known.map((stream) => ({ stream, seq: this.lastSeq(stream) })));
  };

  readonly onEvents = (listener: (events: readonly StoredEvent[]) => void): (() => void) => {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  };

  readonly onMoved = (listener: (moved: StreamsMoved) => void): (() => void) => {
    this.#movedListeners.add(listener);
    return () => this.#movedListeners.delete(listener);
  };

  readonly onNotice = (listener: (notice: ChangeNotice) => void): (() => void) => {
    this.#noticeListeners.add(listener);
    return () => this.#noticeListeners.delete(listener);
  };

  /** Stores the next event of a stream. */
  append(stream: string, type: string, data: Readonly<Record<string, unknown>> = {}): StoredEvent {
    const seq = (this.#lastSeqs.get(stream) ?? 0) + 1;
    const event: StoredEvent = { stream, seq, type, data, at: new Date().toISOString() };
    this.#lastSeqs.set(stream, seq);
    const stored = this.#streams.get(stream);
    if (stored === undefined) this.#streams.set(stream, [event]);
    else stored.push(event);
    if (this.#hints === "at_once") this.hint([event]);
    return event;
  }

  /** Tells listeners of events, whether or not they were told before. */
  hint(events: readonly StoredEvent[]): void {
    for (const listener of [...this.#eventListeners]) listener(events);
  }

  /** Tells listeners how far streams came in another process. */
  move(moved: Partial<StreamsMoved>): void {
    for (const listener of [...this.#movedListeners]) listener({ heads: [], crowded: [], ...moved });
  }

  notify(notice: ChangeNotice): void {
    for (const listener of [...this.#noticeListeners]) listener(notice);
  }

  lastSeq(stream: string): number {
    return this.#lastSeqs.get(stream) ?? 0;
  }

  /** Forgets the events of a stream for which `isExpired` holds; numbers go on. */
  expire(stream: string, isExpired: (event: StoredEvent) => boolean): void {
    const stored = this.#streams.get(stream) ?? [];
    this.#streams.set(
      stream,
      stored.filter((event) => !isExpired(event)),
    );
  }

  /** Removes a stream with its numbers, as when its document is deleted. */
  remove(stream: string): void {
    this.#streams.delete(stream);
    this.#lastSeqs.delete(stream);
  }

  /** Makes the next reads fail. */
  failReads(count: number): void {
    this.#failures = count;
  }
}
