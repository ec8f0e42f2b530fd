import { toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import type { EventBus } from "./event-bus.ts";
import type { EventNews, EventRelay } from "./event-relay.ts";
import { NewsBuffer } from "./news-buffer.ts";
import { NewsOutbox } from "./news-outbox.ts";
import type { OutboxTimes } from "./news-outbox.ts";

/** Whether what processes commit reaches the watchers at others at once. */
export type ExchangeStatus = {
  readonly kind: EventRelay["kind"];
  /** What others do is heard. True, too, where nobody is to hear. */
  readonly isHearing: boolean;
  /** What this process does reaches the others. */
  readonly isTelling: boolean;
  /** What is wrong, in words for an operator; undefined when all is well. */
  readonly trouble?: string;
};

export type EventExchange = Service & {
  /**
   * From now on this process hears of others, too, until it stops: for those in which somebody watches. The
   * others only tell.
   */
  readonly hear: () => void;
  readonly status: () => ExchangeStatus;
};

const deaf =
  "What other processes do is not heard at once: those who watch here see it some seconds late. The log says why.";
const mute =
  "Other processes can't be told of what is done here: those who watch there see it some seconds late. The log says why.";

/** PostgreSQL lets transactions that notify commit one by one: 20 a second of each process go unnoticed. */
const defaultTimes: OutboxTimes = { slotMs: 50, retryMs: 1_000, lastWordMs: 2_000 };
/** How often a failure to tell is logged at most. */
const complainEveryMs = 60_000;

type ExchangeParts = {
  readonly bus: EventBus;
  readonly relay: EventRelay;
  readonly logger: Logger;
  readonly times?: Partial<OutboxTimes>;
};

/**
 * Exchanges news between a process's bus and those of others over a relay, from start to stop: after each
 * commit, at most 20 times a second, whatever happens. Start does not wait for the relay; without it,
 * those who watch see what others did with their next look at the database. Starts and stops the relay, too.
 */
export function createEventExchange(parts: ExchangeParts): EventExchange {
  return new Exchange(parts);
}

class Exchange implements EventExchange {
  readonly name = "event exchange";
  readonly #parts: ExchangeParts;
  readonly #buffer = new NewsBuffer();
  readonly #outbox: NewsOutbox;
  #stopTelling: (() => void) | undefined;
  #stopHearing: (() => void) | undefined;
  #complainedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    this.#outbox = new NewsOutbox({
      buffer: this.#buffer,
      send: (news) => parts.relay.send(news),
      onFailure: (error) => this.#complain(error),
      times: { ...defaultTimes, ...parts.times },
    });
  }

  async start(): Promise<void> {
    if (this.#stopTelling !== undefined) return;
    const { bus, relay } = this.#parts;
    this.#stopTelling = bus.passOnTo({
      admit: (stream, owner) => {
        const isAdmitted = this.#buffer.admit(stream, owner);
        if (!isAdmitted) this.#outbox.flushSoon();
        return isAdmitted;
      },
      events: (events) => {
        this.#buffer.addEvents(events);
        this.#outbox.flushSoon();
      },
      notice: (notice) => {
        this.#buffer.addNotice(notice);
        this.#outbox.flushSoon();
      },
    });
    await relay.start();
  }

  hear(): void {
    this.#stopHearing ??= this.#parts.relay.subscribe((news) => this.#repeat(news));
  }

  /** Tells what was committed before, for two seconds at most. */
  async stop(): Promise<void> {
    this.#stopTelling?.();
    this.#stopHearing?.();
    await this.#outbox.stop();
    await this.#parts.relay.stop();
  }

  status(): ExchangeStatus {
    const { relay } = this.#parts;
    const isHearing = this.#stopHearing === undefined || relay.isHearing();
    const { isTelling } = this.#outbox;
    const trouble = isHearing ? (isTelling ? undefined : mute) : deaf;
    return { kind: relay.kind, isHearing, isTelling, ...(trouble === undefined ? {} : { trouble }) };
  }

  #repeat({ notices, ...moved }: EventNews): void {
    const { bus } = this.#parts;
    if (moved.heads.length > 0 || moved.crowded.length > 0) bus.repeatMoved(moved);
    for (const notice of notices) bus.repeatNotice(notice);
  }

  #complain(error: unknown): void {
    if (performance.now() - this.#complainedAtMs < complainEveryMs) return;
    this.#complainedAtMs = performance.now();
    this.#parts.logger.warn(
      { err: toError(error) },
      "other processes could not be told what happened; those who watch there see it some seconds late",
    );
  }
}
