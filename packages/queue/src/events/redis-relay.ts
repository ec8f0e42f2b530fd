import { withoutCommand } from "@millrace/cache";
import { newId, sleep } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { Redis, ReplyError } from "ioredis";
import { retryPauseMs } from "../brokers/retry-pause.ts";
import { missedNews } from "./event-relay.ts";
import type { EventNews, EventRelay } from "./event-relay.ts";
import { formatNews, parseNews } from "./news-payload.ts";

/** All in milliseconds. The defaults are meant for production; tests shorten them. */
export type RedisRelayTimes = {
  /** How often it is made sure that the connection still answers. Default 10,000. */
  readonly lookEveryMs: number;
  /** How long Redis may take for an answer, or to connect. Default 5,000. */
  readonly answerMs: number;
  /** The pause after the first failure; it doubles with each. Default 500. */
  readonly minPauseMs: number;
  /** Default 10,000. */
  readonly maxPauseMs: number;
};

const defaultTimes: RedisRelayTimes = {
  lookEveryMs: 10_000,
  answerMs: 5_000,
  minPauseMs: 500,
  maxPauseMs: 10_000,
};

type RedisRelayParts = {
  readonly url: string;
  readonly logger: Logger;
  /** Of the channel `<prefix>news`, which is the same in all databases of a server: who has the same hears the other. */
  readonly prefix: string;
  readonly times?: Partial<RedisRelayTimes>;
};

/**
 * News between processes by Redis PUBLISH and SUBSCRIBE, over one connection for each: one that subscribes
 * may do nothing else. Nothing is kept in Redis.
 */
export function createRedisRelay(parts: RedisRelayParts): EventRelay {
  return new PublishingRelay(parts);
}

class PublishingRelay implements EventRelay {
  readonly name = "event relay";
  readonly kind = "redis";
  readonly #self = newId();
  readonly #logger: Logger;
  readonly #channel: string;
  readonly #times: RedisRelayTimes;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #subscribers = new Set<(news: EventNews) => void>();
  readonly #stopping = new AbortController();
  #state: "new" | "running" | "stopped" = "new";
  /** Settled when the first try to connect has ended or taken too long: what happens before waits for it. */
  #firstConnection: Promise<void> | undefined;
  #isListening = false;
  #isHearing = false;
  /** Of the subscription, since one was taken. */
  #refusals = 0;
  #watching: Promise<void> | undefined;
  /** Whether the log knows that Redis is away. */
  #hasComplained = false;

  constructor({ url, logger, prefix, times }: RedisRelayParts) {
    this.#logger = logger;
    this.#channel = `${prefix}news`;
    this.#times = { ...defaultTimes, ...times };
    this.#publisher = this.#createClient(url, "millrace-news-out");
    this.#subscriber = this.#createClient(url, "millrace-news-in");
    this.#subscriber.on("ready", () => void this.#subscribeHere());
    this.#subscriber.on("close", () => {
      this.#isHearing = false;
    });
    this.#subscriber.on("message", (_channel, payload) => {
      const news = parseNews(payload, this.#self);
      if (news !== undefined) this.#tell(news);
    });
  }

  async send(news: EventNews): Promise<void> {
    await this.#firstConnection;
    // One after another: what does not reach Redis must not have overtaken the rest.
    try {
      for (const payload of formatNews(this.#self, news)) {
        await this.#publisher.publish(this.#channel, payload);
      }
    } catch (error) {
      // It may be a connection whose other end has vanished, which would not be noticed otherwise. Who refuses is there.
      const isRefused = error instanceof ReplyError;
      if (!isRefused && this.#publisher.status === "ready") this.#publisher.disconnect(true);
      throw withoutCommand(error);
    }
  }

  subscribe(onNews: (news: EventNews) => void): () => void {
    this.#subscribers.add(onNews);
    this.#listenWhenWanted();
    return () => void this.#subscribers.delete(onNews);
  }

  isHearing(): boolean {
    return this.#isHearing;
  }

  async start(): Promise<void> {
    if (this.#state !== "new") return;
    this.#state = "running";
    // It goes on trying by itself; "error" says what is wrong. One that loads its data answers, and is not ready.
    const tooLong = sleep(this.#times.answerMs, this.#stopping.signal);
    this.#firstConnection = Promise.race([this.#publisher.connect(), tooLong]).catch(() => undefined);
    this.#listenWhenWanted();
  }

  async stop(): Promise<void> {
    this.#state = "stopped";
    this.#isHearing = false;
    this.#stopping.abort();
    this.#publisher.disconnect();
    this.#subscriber.disconnect();
    await this.#watching;
  }

  #createClient(url: string, connectionName: string): Redis {
    const { answerMs } = this.#times;
    const client = new Redis(url, {
      connectionName,
      lazyConnect: true,
      // News that wait for a connection would be old when it comes; that something was missed is enough.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResubscribe: false,
      connectTimeout: answerMs,
      commandTimeout: answerMs,
      retryStrategy: (failures) => retryPauseMs(this.#times, failures),
    });
    client.on("error", (error: unknown) => this.#complain(error));
    client.on("ready", () => this.#recovered());
    return client;
  }

  #listenWhenWanted(): void {
    if (this.#state !== "running" || this.#subscribers.size === 0 || this.#isListening) return;
    this.#isListening = true;
    this.#subscriber.connect().catch(() => undefined);
    this.#watching = this.#watch();
  }

  async #subscribeHere(): Promise<void> {
    try {
      await this.#subscriber.subscribe(this.#channel);
    } catch (error) {
      this.#complain(error);
      if (error instanceof ReplyError) await this.#subscribeLater();
      else this.#reconnect();
      return;
    }
    if (this.#stopping.signal.aborted) return;
    this.#isHearing = true;
    this.#refusals = 0;
    this.#recovered();
    this.#tell(missedNews);
  }

  /** Redis refuses it, as a user without a right to the channel: another connection would change nothing. */
  async #subscribeLater(): Promise<void> {
    this.#refusals += 1;
    await sleep(retryPauseMs(this.#times, this.#refusals), this.#stopping.signal).catch(() => undefined);
    // A connection that was made meanwhile subscribes by itself.
    if (this.#subscriber.status === "ready" && !this.#isHearing) await this.#subscribeHere();
  }

  /** A connection whose other end has vanished looks like one on which nothing happens. */
  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await sleep(this.#times.lookEveryMs, signal).catch(() => undefined);
      if (!this.#isHearing) continue;
      await this.#subscriber.ping().catch((error: unknown) => {
        this.#complain(error);
        this.#reconnect();
      });
    }
  }

  #reconnect(): void {
    this.#isHearing = false;
    if (!this.#stopping.signal.aborted) this.#subscriber.disconnect(true);
  }

  #tell(news: EventNews): void {
    for (const onNews of this.#subscribers) onNews(news);
  }

  #recovered(): void {
    if (this.#isListening && !this.#isHearing) return;
    if (this.#hasComplained) this.#logger.info("Redis can be reached again for news between processes");
    this.#hasComplained = false;
  }

  #complain(error: unknown): void {
    if (this.#hasComplained || this.#stopping.signal.aborted) return;
    this.#hasComplained = true;
    this.#logger.warn(
      { err: withoutCommand(error) },
      "Redis can't be reached for news between processes. Those who watch see them some seconds late until it is there again.",
    );
  }
}
