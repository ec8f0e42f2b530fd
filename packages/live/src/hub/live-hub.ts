import { BackgroundWork, ConcurrencyLimit } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { everyDomain, parseStream } from "@millrace/queue";
import type { ChangeNotice, EventFeed, StoredEvent, StreamPage, StreamsMoved } from "@millrace/queue";
import { hubStopped } from "../errors.ts";
import { HeadLook } from "./head-look.ts";
import { SharedReads } from "./shared-reads.ts";
import { StreamChannel } from "./stream-channel.ts";
import type { FollowStep } from "./stream-channel.ts";

export type FollowOptions = {
  readonly stream: string;
  /** The last number seen: what comes after it is given. 0 for everything. */
  readonly since: number;
  readonly signal: AbortSignal;
};

/** Everything in one process that watches events goes through one hub. */
export type LiveHub = Service & {
  /**
   * The events after `since`, in order, each once, in batches, first the stored and then the new
   * ones. Ends when the signal aborts, when the hub stops, or after a `reset` (the history asked for
   * has expired, or `since` lies in the future). A consumer may take its time: nothing piles up.
   * Throws `live_stopped` when the hub does not run.
   */
  readonly follow: (options: FollowOptions) => AsyncGenerator<FollowStep, void, undefined>;
  /** One page straight from the store. */
  readonly read: (stream: string, after: number, limit: number) => Promise<StreamPage>;
  /**
   * Makes of a read one that all who ask the same at the same time share, and that counts among the reads that
   * the hub makes at once. What it gives was read after it was asked for. Rejects with `live_busy` when no place
   * became free in time. The read must not ask the hub for another one: both would wait for a place.
   */
  readonly share: <Question, Result>(
    read: (question: Question) => Promise<Result>,
    keyOf: (question: Question) => string,
  ) => (question: Question) => Promise<Result>;
  /** Calls back for every change notice until the returned function is called. */
  readonly onNotice: (listener: (notice: ChangeNotice) => void) => () => void;
  /** What is being watched now, and how many reads that has cost since the start. */
  readonly figures: () => {
    readonly streams: number;
    readonly followers: number;
    readonly noticeListeners: number;
    readonly reads: number;
  };
};

export type LiveHubOptions = {
  readonly feed: EventFeed;
  readonly logger: Logger;
  /** How long a lost hint can go unnoticed, in ms. Default 5000; lower costs a read per stream each time. */
  readonly tailPollMs?: number;
  /** Events per read and per batch. Default 100: a page of them stays well below a megabyte. */
  readonly pageSize?: number;
  /** Newest events kept in memory per watched stream. Default 256. */
  readonly maxBuffered?: number;
  /** Their size in characters of JSON. Default 1 MiB. */
  readonly maxBufferedBytes?: number;
  /**
   * The least time, in ms, between two looks at how far all watched streams have come, when others say only
   * that many moved. Default 500.
   */
  readonly lookEveryMs?: number;
  /**
   * Reads at once over all streams and all that is shared, each of which takes a database connection. Default 5:
   * half of the usual pool, so that a storm of reconnects leaves the other half to requests.
   */
  readonly maxReads?: number;
  /** How long a shared read waits for a place, in ms. Default 10000: by then people think that nothing happens. */
  readonly maxReadWaitMs?: number;
};

/** Streams in one look: a statement of some milliseconds. */
const headsPerRead = 1_000;

/** Creates the hub. It listens to the feed from `start` to `stop`; `stop` ends every follower. */
export function createLiveHub(options: LiveHubOptions): LiveHub {
  const hub = new Hub(options);
  return {
    name: "live",
    start: () => hub.start(),
    stop: () => hub.stop(),
    follow: (follow) => hub.follow(follow),
    read: (stream, after, limit) => hub.read(stream, after, limit),
    share: (read, keyOf) => hub.share(read, keyOf),
    onNotice: (listener) => hub.onNotice(listener),
    figures: () => hub.figures(),
  };
}

class Hub {
  readonly #options: LiveHubOptions;
  readonly #background: BackgroundWork;
  readonly #limit: ConcurrencyLimit;
  readonly #look: HeadLook;
  readonly #channels = new Map<string, StreamChannel>();
  readonly #noticeListeners = new Set<(notice: ChangeNotice) => void>();
  #state: "new" | "running" | "stopped" = "new";
  #unsubscribe: (() => void)[] = [];
  #reads = 0;

  constructor(options: LiveHubOptions) {
    this.#options = options;
    this.#background = new BackgroundWork(options.logger);
    this.#limit = new ConcurrencyLimit(() => options.maxReads ?? 5);
    this.#look = new HeadLook({
      look: (domains) => this.#lookAt(domains),
      background: this.#background,
      logger: options.logger,
      everyMs: options.lookEveryMs ?? 500,
    });
  }

  start(): Promise<void> {
    if (this.#state === "new") {
      this.#state = "running";
      this.#unsubscribe = [
        this.#options.feed.onEvents((events) => this.#offer(events)),
        this.#options.feed.onMoved((moved) => this.#hear(moved)),
        this.#options.feed.onNotice((notice) => {
          for (const listener of [...this.#noticeListeners]) listener(notice);
        }),
      ];
    }
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#state = "stopped";
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    for (const channel of this.#channels.values()) channel.close();
    this.#look.stop();
    await this.#background.settle();
  }

  async *follow({ stream, since, signal }: FollowOptions): AsyncGenerator<FollowStep, void, undefined> {
    const channel = this.#acquire(stream);
    try {
      let position = since;
      for (;;) {
        const step = await channel.next(position, signal);
        if (step === undefined) return;
        yield step;
        if (step.kind === "reset") return;
        position = step.events.at(-1)?.seq ?? position;
      }
    } finally {
      this.#release(stream, channel);
    }
  }

  read(stream: string, after: number, limit: number): Promise<StreamPage> {
    this.#reads += 1;
    return this.#limit.run(() => this.#options.feed.read(stream, after, limit));
  }

  share<Question, Result>(
    read: (question: Question) => Promise<Result>,
    keyOf: (question: Question) => string,
  ): (question: Question) => Promise<Result> {
    const shared = new SharedReads({
      limit: this.#limit,
      keyOf,
      read: (question: Question) => {
        this.#reads += 1;
        return read(question);
      },
      maxWaitMs: this.#options.maxReadWaitMs ?? 10_000,
      logger: this.#options.logger,
    });
    return (question) => shared.read(question);
  }

  onNotice(listener: (notice: ChangeNotice) => void): () => void {
    this.#noticeListeners.add(listener);
    return () => this.#noticeListeners.delete(listener);
  }

  figures() {
    let followers = 0;
    for (const channel of this.#channels.values()) followers += channel.followers;
    return {
      streams: this.#channels.size,
      followers,
      noticeListeners: this.#noticeListeners.size,
      reads: this.#reads,
    };
  }

  #offer(events: readonly StoredEvent[]): void {
    for (const event of events) this.#channels.get(event.stream)?.offer(event);
  }

  #hear({ heads, crowded }: StreamsMoved): void {
    for (const { stream, seq } of heads) this.#channels.get(stream)?.hear(seq);
    if (crowded.length > 0 && this.#channels.size > 0) this.#look.request(crowded);
  }

  /** Looks how far the watched streams of these domains have come; what moved is read by its channel. */
  async #lookAt(domains: ReadonlySet<string>): Promise<void> {
    const isAsked = (stream: string): boolean =>
      domains.has(everyDomain) || domains.has(parseStream(stream).domain);
    const streams = [...this.#channels.keys()].filter(isAsked);
    for (let first = 0; first < streams.length; first += headsPerRead) {
      const some = streams.slice(first, first + headsPerRead);
      this.#reads += 1;
      const heads = await this.#limit.run(() => this.#options.feed.readHeads(some));
      for (const { stream, seq } of heads) this.#channels.get(stream)?.hear(seq);
    }
  }

  #acquire(stream: string): StreamChannel {
    if (this.#state !== "running") throw hubStopped();
    let channel = this.#channels.get(stream);
    if (channel === undefined) {
      channel = new StreamChannel({
        stream,
        read: (after, limit) => this.read(stream, after, limit),
        background: this.#background,
        logger: this.#options.logger,
        tailPollMs: this.#options.tailPollMs ?? 5_000,
        pageSize: this.#options.pageSize ?? 100,
        maxBuffered: this.#options.maxBuffered ?? 256,
        maxBufferedBytes: this.#options.maxBufferedBytes ?? 1_048_576,
      });
      this.#channels.set(stream, channel);
    }
    channel.followers += 1;
    return channel;
  }

  #release(stream: string, channel: StreamChannel): void {
    channel.followers -= 1;
    if (channel.followers > 0) return;
    channel.close();
    this.#channels.delete(stream);
  }
}
