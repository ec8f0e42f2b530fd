import { hostname } from "node:os";
import { sleep, toError } from "@millrace/kernel";
import type { Logger, Service } from "@millrace/kernel";
import { brokerUnavailable } from "../../errors.ts";
import type { Broker, BrokerStatus, Hint, Subscription } from "../broker.ts";
import { HintOutbox } from "../hint-outbox.ts";
import { within } from "../within.ts";
import { RedisCommands } from "./redis-commands.ts";
import { RedisSubscription } from "./redis-subscription.ts";
import { addHint } from "./redis-streams.ts";
import { defaultRedisTimes } from "./redis-times.ts";
import type { RedisTimes } from "./redis-times.ts";
import { retryPauseMs } from "../retry-pause.ts";

export type RedisBrokerParts = {
  /** `redis://` or `rediss://`, of Redis 6.2 or newer. */
  readonly url: string;
  readonly logger: Logger;
  readonly times?: Partial<RedisTimes>;
  /** Of this process, for the server's list of clients. Default: the machine's name and the process's number. */
  readonly name?: string;
  /** Before the names of the streams, for installations that share a server. Default: none. */
  readonly keyPrefix?: string;
};

/**
 * Hints between processes by Redis Streams: one stream for each queue, `millrace.<queue>`, whose entries go
 * to one worker each. A process has one connection to announce and to settle, and each of its subscribers
 * one that waits. Announces and hears from start to stop. Start does not wait for a connection, and without
 * it everything works by the poll; hints of this process reach its own subscribers even so.
 *
 * `depth` counts hints that wait and those that were given to a subscriber and are not settled yet, and
 * `purge` removes both; it throws `broker_unavailable` while Redis is away.
 */
export function createRedisBroker(parts: RedisBrokerParts): Broker & Service {
  return new RedisBroker(parts);
}

type Refused = {
  /** In a row. */
  readonly times: number;
  /** Runs from a refusal to the next try. */
  retryTimer: NodeJS.Timeout | undefined;
};

class RedisBroker implements Broker, Service {
  readonly name = "hints";
  readonly #parts: RedisBrokerParts;
  readonly #times: RedisTimes;
  readonly #commands: RedisCommands;
  readonly #outbox = new HintOutbox((hint) => this.#send(hint));
  readonly #subscriptions = new Set<RedisSubscription>();
  readonly #endings = new Set<Promise<void>>();
  /** Queues of which the server has not taken a hint although it answers. */
  readonly #refused = new Map<string, Refused>();
  #hasWarnedOfPolicy = false;
  #stopping: Promise<void> | undefined;

  constructor(parts: RedisBrokerParts) {
    this.#parts = parts;
    this.#times = { ...defaultRedisTimes, ...parts.times };
    this.#commands = new RedisCommands({
      ...this.#linkParts(),
      onUp: (info) => this.#onUp(info),
    });
  }

  announce(hint: Hint): void {
    if (!this.#isTellingOf(hint.queue)) this.#tellOwn(hint.queue);
    this.#outbox.add(hint);
  }

  subscribe(queues: readonly string[], onHint: (queue: string) => void): Subscription {
    const subscription = new RedisSubscription({
      ...this.#linkParts(),
      commands: this.#commands,
      queues,
      streamOf: (queue) => this.#streamOf(queue),
      onHint,
    });
    if (this.#stopping === undefined) this.#subscriptions.add(subscription);
    if (this.#commands.works) subscription.start();
    return {
      settle: (queue, isMore) => subscription.settle(queue, isMore),
      receive: (hasRoom) => subscription.receive(hasRoom),
      close: () => this.#close(subscription),
    };
  }

  async depth(queue: string): Promise<number | undefined> {
    return await this.#commands.run((client) => client.xlen(this.#streamOf(queue))).catch(() => undefined);
  }

  async purge(queue: string): Promise<number> {
    try {
      return await this.#commands.run((client) => client.xtrim(this.#streamOf(queue), "MAXLEN", 0));
    } catch (error) {
      throw brokerUnavailable("Redis", error);
    }
  }

  status(): BrokerStatus {
    const trouble = this.#trouble;
    return {
      kind: "redis",
      isHearing: this.#isHearing,
      isTelling: this.#isTelling,
      ...(trouble === undefined ? {} : { trouble }),
    };
  }

  async start(): Promise<void> {
    if (this.#stopping === undefined) this.#commands.start();
  }

  /** Passes on what was announced before and gives back what is held, for two seconds at most. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    const farewell = this.#sayFarewell();
    await within(farewell, this.#times.lastWordMs, new AbortController().signal).catch(() => undefined);
    this.#forgetRefusals();
    // What still waits for an answer fails by this.
    await this.#commands.stop();
    await farewell;
  }

  async #sayFarewell(): Promise<void> {
    const outbox = this.#outbox.stop();
    for (const subscription of this.#subscriptions) this.#close(subscription);
    await Promise.all([outbox, ...this.#endings]);
  }

  #linkParts() {
    const { url, logger, name = `millrace-${hostname()}:${process.pid}` } = this.#parts;
    return { url, logger, name, times: this.#times };
  }

  #streamOf(queue: string): string {
    return `${this.#parts.keyPrefix ?? ""}millrace.${queue}`;
  }

  #close(subscription: RedisSubscription): void {
    if (!this.#subscriptions.delete(subscription)) return;
    const ending = subscription.closed();
    this.#endings.add(ending);
    void ending.finally(() => this.#endings.delete(ending));
  }

  #onUp(info: string): void {
    this.#forgetRefusals();
    this.#outbox.retry();
    for (const subscription of this.#subscriptions) subscription.start();
    this.#checkPolicy(info);
  }

  #checkPolicy(info: string): void {
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
    // With volatile-… goes what has an end, and a stream has none.
    if (policy?.startsWith("allkeys-") !== true || this.#hasWarnedOfPolicy) return;
    this.#hasWarnedOfPolicy = true;
    this.#parts.logger.warn(
      { policy },
      "Redis throws away any key when its memory is full, and so hints: their jobs start with the next poll. Set maxmemory-policy to volatile-ttl, or give the broker a Redis of its own.",
    );
  }

  get #isHearing(): boolean {
    return [...this.#subscriptions].every(({ isHearing }) => isHearing);
  }

  get #isTelling(): boolean {
    return this.#commands.works && this.#refused.size === 0;
  }

  #isTellingOf(queue: string): boolean {
    return this.#commands.works && !this.#refused.has(queue);
  }

  get #trouble(): string | undefined {
    if (this.#commands.isRefused)
      return "Redis refuses the name or the password in BROKER_URL. Jobs start with the next poll. Correct the address and start again.";
    if (!this.#commands.works)
      return "Redis can't be reached: jobs start with the next poll. The log says why; nothing is lost.";
    if (this.#refused.size > 0)
      return "Redis answers but takes no hints: other processes find jobs with their next poll. The log says why; often its memory is full.";
    if (!this.#isHearing)
      return "Hints of other processes are not heard now: their jobs start here with the next poll. The log says why.";
    return undefined;
  }

  async #send(hint: Hint): Promise<void> {
    const { queue } = hint;
    if (this.#refused.get(queue)?.retryTimer !== undefined)
      throw new Error("Redis takes no hints of this queue now");
    const wasTelling = this.#isTellingOf(queue);
    try {
      const sending = this.#commands.run((client) => addHint(client, this.#streamOf(queue), hint));
      await Promise.all([sending, sleep(this.#times.gapMs)]);
      this.#refused.delete(queue);
    } catch (error) {
      if (wasTelling) this.#tellOwn(queue);
      if (this.#commands.works) this.#refuse(queue, toError(error));
      throw error;
    }
  }

  /** What one queue is refused, as for a key of another kind in its place, keeps none of another back. */
  #refuse(queue: string, error: Error): void {
    if (this.#refused.size === 0) this.#parts.logger.warn({ err: error, queue }, "Redis did not take a hint");
    const times = (this.#refused.get(queue)?.times ?? 0) + 1;
    const refused: Refused = { times, retryTimer: undefined };
    this.#refused.set(queue, refused);
    if (this.#stopping !== undefined) return;
    const retry = (): void => {
      refused.retryTimer = undefined;
      this.#outbox.retry();
    };
    refused.retryTimer = setTimeout(retry, retryPauseMs(this.#times, times));
  }

  #forgetRefusals(): void {
    for (const { retryTimer } of this.#refused.values()) clearTimeout(retryTimer);
    this.#refused.clear();
  }

  #tellOwn(queue: string): void {
    for (const subscription of this.#subscriptions) subscription.tell(queue);
  }
}
