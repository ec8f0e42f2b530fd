import { toError } from "@millrace/kernel";
import type { BackgroundWork, Logger } from "@millrace/kernel";
import type { StoredEvent, StreamPage } from "@millrace/queue";
import { EventTail } from "./event-tail.ts";

/** What a follower gets next. After `reset` nothing more comes: start again from a snapshot. */
export type FollowStep =
  | { readonly kind: "events"; readonly events: readonly StoredEvent[] }
  | { readonly kind: "reset" };

export type ChannelOptions = {
  readonly stream: string;
  /** Reads a page; rejects when the database can't be reached. */
  readonly read: (after: number, limit: number) => Promise<StreamPage>;
  readonly background: BackgroundWork;
  readonly logger: Logger;
  readonly tailPollMs: number;
  readonly pageSize: number;
  readonly maxBuffered: number;
  readonly maxBufferedBytes: number;
};

/** A read that failed is tried again after this long: the database may be back by then. */
const retryReadMs = 1_000;

/**
 * One stream, for all who follow it in this process. Followers are cursors: they hold no queue, so
 * a slow one costs nothing. Near the end they share the tail in memory; further back they read
 * pages, and equal reads at the same time are made once. Hints only ever move the tail forward in
 * order; whatever they leave out is read.
 */
export class StreamChannel {
  followers = 0;
  readonly #options: ChannelOptions;
  readonly #tail: EventTail;
  readonly #pages = new Map<number, Promise<StreamPage | undefined>>();
  readonly #waiters = new Set<() => void>();
  /** The highest number any hint or page has told of. */
  #highestSeen = 0;
  #fill: "idle" | "running" | "again" = "idle";
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** Since the last page that could be read: the log has it once, however long it lasts. */
  #isFailing = false;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#tail = new EventTail({ maxEvents: options.maxBuffered, maxBytes: options.maxBufferedBytes });
    this.#schedulePoll(options.tailPollMs);
  }

  /** Takes a hint: possibly doubled, out of order or incomplete. */
  offer(event: StoredEvent): void {
    this.#highestSeen = Math.max(this.#highestSeen, event.seq);
    const { lastSeq } = this.#tail;
    if (lastSeq === undefined || event.seq <= lastSeq) return;
    if (this.#tail.append(event)) {
      this.#timer?.refresh();
      this.#wake();
    } else {
      this.#requestFill();
    }
  }

  /** Takes a hint of another process, which says how far the stream came and not what happened. */
  hear(seq: number): void {
    this.#highestSeen = Math.max(this.#highestSeen, seq);
    const { lastSeq } = this.#tail;
    if (lastSeq !== undefined && seq > lastSeq) this.#requestFill();
  }

  /** What comes after this number, as soon as there is something; undefined once stopped. */
  async next(after: number, signal: AbortSignal): Promise<FollowStep | undefined> {
    while (!signal.aborted && !this.#isClosed) {
      const held = this.#tail.after(after, this.#options.pageSize);
      if (held !== undefined) return { kind: "events", events: held };
      if (this.#tail.lastSeq === after) {
        await this.#changed(signal);
        continue;
      }
      const page = await this.#page(after);
      const step = page === undefined ? undefined : stepOf(page, after);
      if (step !== undefined) return step;
      // The tail lags behind this follower, or the read failed or contradicts itself: a fill or the
      // poll wakes us. Reading again at once would only load a database that is in trouble.
      const { lastSeq } = this.#tail;
      const isCurrent = page !== undefined && page.lastSeq === after;
      if (!isCurrent || lastSeq === undefined || lastSeq < after) await this.#changed(signal);
    }
    return undefined;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#wake();
  }

  #page(after: number): Promise<StreamPage | undefined> {
    const running = this.#pages.get(after);
    if (running !== undefined) return running;
    const page = this.#read(after).then((result) => {
      this.#pages.delete(after);
      if (result !== undefined) this.#absorb(result, after);
      return result;
    });
    this.#pages.set(after, page);
    return page;
  }

  async #read(after: number): Promise<StreamPage | undefined> {
    try {
      const page = await this.#options.read(after, this.#options.pageSize);
      this.#schedulePoll(this.#options.tailPollMs);
      this.#isFailing = false;
      return page;
    } catch (error) {
      const { logger, stream } = this.#options;
      const seen = { err: toError(error), stream };
      if (this.#isFailing) logger.debug(seen, "could not read events again");
      else logger.warn(seen, "could not read events; trying again until it works");
      this.#isFailing = true;
      this.#schedulePoll(Math.min(retryReadMs, this.#options.tailPollMs));
      return undefined;
    }
  }

  /** Lets a follower's read teach the shared tail what it saw. */
  #absorb(page: StreamPage, after: number): void {
    this.#highestSeen = Math.max(this.#highestSeen, page.lastSeq);
    if (this.#tail.lastSeq === undefined) {
      const events = contiguousAfter(page.events, after);
      if (after + events.length !== page.lastSeq) return;
      this.#tail.restart(after);
      this.#takeInOrder(events);
    } else {
      this.#takeInOrder(page.events);
    }
    if (this.#highestSeen > (this.#tail.lastSeq ?? 0)) this.#requestFill();
    this.#wake();
  }

  #takeInOrder(events: readonly StoredEvent[]): void {
    for (const event of events) this.#tail.append(event);
  }

  #requestFill(): void {
    if (this.#fill !== "idle") {
      this.#fill = "again";
      return;
    }
    this.#fill = "running";
    this.#options.background.run("live.fill", () => this.#runFill());
  }

  async #runFill(): Promise<void> {
    let isBehind = true;
    while (isBehind && !this.#isClosed) {
      this.#fill = "running";
      isBehind = await this.#fillOnce();
      this.#wake();
      // Another hint came during the read, and that read may have been too early for it.
      if (this.#wasAskedAgain()) isBehind = true;
    }
    this.#fill = "idle";
  }

  #wasAskedAgain(): boolean {
    return this.#fill === "again" && this.#highestSeen > (this.#tail.lastSeq ?? 0);
  }

  /** Says whether another page is waiting. */
  async #fillOnce(): Promise<boolean> {
    const before = this.#tail.lastSeq ?? 0;
    const page = await this.#read(before);
    if (page === undefined) return false;
    const first = page.events[0];
    const standsAt = this.#tail.lastSeq ?? before;
    if (page.lastSeq < before || (first !== undefined && first.seq > standsAt + 1)) {
      // The stream was removed, or part of it expired while hints were lost: followers read for
      // themselves and learn that they must start again.
      this.#tail.restart(page.lastSeq);
      this.#highestSeen = page.lastSeq;
      return false;
    }
    this.#takeInOrder(page.events);
    this.#highestSeen = Math.max(this.#highestSeen, page.lastSeq);
    return page.events.length > 0 && page.lastSeq > (this.#tail.lastSeq ?? 0);
  }

  #schedulePoll(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#schedulePoll(this.#options.tailPollMs);
      if (this.#tail.lastSeq === undefined) this.#wake();
      else this.#requestFill();
    }, delayMs);
    this.#timer.unref();
  }

  #changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiters.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiters.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) wake();
  }
}

function stepOf(page: StreamPage, after: number): FollowStep | undefined {
  if (after > page.lastSeq || after + 1 < page.oldestSeq) return { kind: "reset" };
  // A hole inside a page is passed: numbers are given and committed in order, so what a read leaves out below
  // an event that it has can't come any more. It has expired: text as it was written is kept for a shorter time
  // than the events around it, which say what it came to. A reset there would lose all that follows.
  return page.events.length > 0 ? { kind: "events", events: page.events } : undefined;
}

/** The leading events that follow `after` without a hole. */
function contiguousAfter(events: readonly StoredEvent[], after: number): readonly StoredEvent[] {
  const hole = events.findIndex((event, index) => event.seq !== after + 1 + index);
  return hole === -1 ? events : events.slice(0, hole);
}
