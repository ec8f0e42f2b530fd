import type { Database } from "@millrace/database";
import { newId, toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { sql } from "kysely";
import type { Broker, BrokerStatus, Hint, Subscription } from "../broker.ts";
import { bareHint } from "../hint.ts";
import { HintPacer } from "./hint-pacer.ts";
import { formatHint, hintChannel, parseHint } from "./hint-payload.ts";
import { createMemoryBroker } from "../memory-broker.ts";
import { retryPauseMs } from "../retry-pause.ts";
import { defaultListenTimes, NotificationListener } from "./notification-listener.ts";
import type { ListenTimes, ListenWords } from "./notification-listener.ts";

export type PostgresBroker = Broker &
  Service & {
    /** Whether hints of other processes are heard now. False, too, while nobody subscribes. */
    readonly isHearing: () => boolean;
  };

const deaf =
  "Hints of other processes are not heard now: their jobs start here with the next poll. The log says why.";
const mute =
  "Other processes can't be told of work now: they find it with their next poll. The log says why.";

const listenWords: ListenWords = {
  unheard:
    "Hints of other processes are not heard, and their jobs start with the next poll. LISTEN does not work through a pooler in transaction mode: set DATABASE_DIRECT_URL to the address of the same database without the pooler.",
  lost: "The connection for hints of other processes is lost or can't be made. Their jobs start with the next poll until it is there again.",
  again: "hints of other processes are heard again",
};

/** All in milliseconds. The defaults are meant for production; tests shorten them. */
export type BrokerTimes = ListenTimes & {
  /** The least time between two notifications, and between two times that others wake us. Default 50. */
  readonly slotMs: number;
  /** How often a failure to notify is logged at most. Default 60,000. */
  readonly complainEveryMs: number;
  /** How long stop waits for the last notification. Default 2,000. */
  readonly lastWordMs: number;
};

const defaultTimes: BrokerTimes = {
  // PostgreSQL lets transactions that notify commit one by one: 20 a second of each process go unnoticed.
  slotMs: 50,
  complainEveryMs: 60_000,
  lastWordMs: 2_000,
  ...defaultListenTimes,
};

type BrokerParts = {
  readonly database: Database;
  readonly listenUrl: string;
  readonly logger: Logger;
  readonly times?: Partial<BrokerTimes>;
};

/**
 * Hints between processes by LISTEN and NOTIFY, and within one without that detour. Notifications are
 * sent through the database's pool (a pooler is fine) in a transaction of their own, at most 20 a second
 * whatever is enqueued. A process with subscribers listens over one more connection, to `listenUrl`,
 * which must lead to the server without a pooler in transaction mode; without subscribers there is none.
 * Announces until it is stopped, listens from start to stop. Start does not wait for the connection,
 * and without it everything works by the poll.
 */
export function createPostgresBroker(parts: BrokerParts): PostgresBroker {
  return new NotifyingBroker(parts);
}

class NotifyingBroker implements PostgresBroker {
  readonly name = "hints";
  readonly #parts: BrokerParts;
  readonly #times: BrokerTimes;
  /**
   * Goes with each hint, because what this process has told itself at once would wake it a second time,
   * for an empty claim. The number of the connection would not do: a pool has many, a pooler anybody's.
   */
  readonly #self = newId();
  readonly #local = createMemoryBroker();
  readonly #subscribed = new Set<readonly string[]>();
  readonly #outgoing: HintPacer;
  /** Paced too: many processes that tell of work must not have all others look for it without a pause. */
  readonly #incoming: HintPacer;
  readonly #endings = new Set<Promise<void>>();
  #state: "new" | "running" | "stopped" = "new";
  #listener: NotificationListener | undefined;
  /** Queues of which others could not be told. They go with the next notification, or after a pause. */
  readonly #untold = new Set<string>();
  #failures = 0;
  #retryTimer: NodeJS.Timeout | undefined;
  #complainedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
    this.#times = { ...defaultTimes, ...parts.times };
    this.#outgoing = new HintPacer(this.#times.slotMs, (queues) => this.#tellOthers(queues));
    this.#incoming = new HintPacer(this.#times.slotMs, async (queues) => {
      for (const queue of queues) this.#local.announce(bareHint(queue));
    });
  }

  announce(hint: Hint): void {
    this.#local.announce(hint);
    this.#outgoing.add(hint.queue);
  }

  subscribe(queues: readonly string[], onHint: (queue: string) => void): Subscription {
    const local = this.#local.subscribe(queues, onHint);
    const entry = [...queues];
    this.#subscribed.add(entry);
    this.#listenWhenWanted();
    return {
      ...local,
      close: () => {
        local.close();
        if (this.#subscribed.delete(entry)) this.#listenWhenWanted();
      },
    };
  }

  /** Everyone is told, and nothing waits. */
  async depth(): Promise<undefined> {
    return undefined;
  }

  async purge(): Promise<number> {
    return 0;
  }

  status(): BrokerStatus {
    const isHearing = this.#listener === undefined || this.#listener.isHearing;
    const isTelling = this.#failures === 0;
    const trouble = isHearing ? (isTelling ? undefined : mute) : deaf;
    return {
      kind: "postgres",
      isHearing,
      isTelling,
      ...(trouble === undefined ? {} : { trouble }),
    };
  }

  async start(): Promise<void> {
    if (this.#state === "new") this.#state = "running";
    this.#listenWhenWanted();
  }

  /** Passes on what was announced before, for two seconds at most. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    clearTimeout(this.#retryTimer);
    this.#listenWhenWanted();
    await Promise.all([
      stopWithin(this.#outgoing, this.#times.lastWordMs),
      this.#incoming.stop(),
      ...this.#endings,
    ]);
  }

  isHearing(): boolean {
    return this.#listener?.isHearing ?? false;
  }

  #listenWhenWanted(): void {
    const isWanted = this.#state === "running" && this.#subscribed.size > 0;
    if (isWanted) {
      this.#listener ??= this.#createListener();
      this.#listener.start();
    } else if (this.#listener !== undefined) {
      const ending = this.#listener.stop();
      this.#listener = undefined;
      this.#endings.add(ending);
      void ending.then(() => this.#endings.delete(ending));
    }
  }

  #createListener(): NotificationListener {
    return new NotificationListener({
      url: this.#parts.listenUrl,
      channel: hintChannel,
      words: listenWords,
      logger: this.#parts.logger,
      times: this.#times,
      notify: (payload) => this.#notify([payload]),
      onPayload: (payload) => {
        const { sender, queue } = parseHint(payload);
        if (sender !== this.#self && this.#queues().has(queue)) this.#incoming.add(queue);
      },
      onHearing: () => {
        for (const queue of this.#queues()) this.#incoming.add(queue);
      },
    });
  }

  #queues(): ReadonlySet<string> {
    return new Set([...this.#subscribed].flat());
  }

  async #tellOthers(queues: readonly string[]): Promise<void> {
    clearTimeout(this.#retryTimer);
    for (const queue of queues) this.#untold.add(queue);
    try {
      await this.#notify([...this.#untold].map((queue) => formatHint(this.#self, queue)));
      this.#untold.clear();
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      this.#retryLater();
      if (performance.now() - this.#complainedAtMs < this.#times.complainEveryMs) return;
      this.#complainedAtMs = performance.now();
      this.#parts.logger.warn(
        { err: toError(error) },
        "other processes could not be told of work; they find it with their next poll",
      );
    }
  }

  #retryLater(): void {
    if (this.#state === "stopped") return;
    this.#retryTimer = setTimeout(
      () => {
        for (const queue of this.#untold) this.#outgoing.add(queue);
      },
      retryPauseMs(this.#times, this.#failures),
    );
  }

  /** Writes no row, so that its commit waits for no disk while it keeps others from notifying. */
  async #notify(payloads: readonly string[]): Promise<void> {
    await sql`
      SELECT pg_notify(${hintChannel}, payload) FROM unnest(${payloads}::text[]) AS payload
    `.execute(this.#parts.database.background.queryable);
  }
}

/** Stops it, without waiting longer than a hint is worth: a database that is away takes a minute. */
async function stopWithin(pacer: HintPacer, maxMs: number): Promise<void> {
  const { promise: isOver, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, maxMs);
  await Promise.race([pacer.stop(), isOver]);
  clearTimeout(timer);
}
