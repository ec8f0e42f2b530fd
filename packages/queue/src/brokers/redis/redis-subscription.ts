import type { Logger } from "@millrace/kernel";
import { newId, sleep } from "@millrace/kernel";
import type { Subscription } from "../broker.ts";
import { WakeSignal } from "../../worker/wake-signal.ts";
import type { RedisCommands } from "./redis-commands.ts";
import type { RedisConnection } from "./redis-connection.ts";
import { RedisLink } from "./redis-link.ts";
import {
  ensureGroup,
  forget,
  giveBack,
  isGone,
  keptAs,
  mergedHint,
  readNew,
  readOwn,
  removeConsumer,
} from "./redis-streams.ts";
import type { Delivery, StreamEntry } from "./redis-streams.ts";
import { startTidying } from "./redis-tidying.ts";
import type { RedisTimes } from "./redis-times.ts";

/** Of each queue. One who claims settles at once; more than these come while the database is away. */
const maxHeld = 1_000;
/** How long a read that was told to end may take to do so. */
const farewellMs = 500;

export type RedisSubscriptionParts = {
  readonly url: string;
  readonly name: string;
  readonly logger: Logger;
  readonly times: RedisTimes;
  readonly commands: RedisCommands;
  readonly queues: readonly string[];
  readonly streamOf: (queue: string) => string;
  readonly onHint: (queue: string) => void;
};

/** One who claims, as a consumer of the group, over a connection of its own that waits for hints. */
export class RedisSubscription implements Subscription {
  readonly #parts: RedisSubscriptionParts;
  readonly #consumer: string;
  readonly #link: RedisLink;
  /** By stream. */
  readonly #queues: ReadonlyMap<string, string>;
  /** What the subscriber was told of and has not settled, by queue. */
  readonly #held = new Map<string, StreamEntry[]>();
  /** What came while there was no room, by queue. The claims made since then may not have seen its jobs. */
  readonly #untold = new Map<string, StreamEntry[]>();
  readonly #turn = new WakeSignal();
  #hasRoom = true;
  #graceTimer: NodeJS.Timeout | undefined;
  #endTidying: (() => void) | undefined;
  #clientId: number | undefined;
  #groupedAtMs = Number.NEGATIVE_INFINITY;
  #closing: Promise<void> | undefined;
  #hasComplained = false;

  constructor(parts: RedisSubscriptionParts) {
    this.#parts = parts;
    this.#consumer = `${parts.name}:${newId()}`;
    this.#queues = new Map(parts.queues.map((queue) => [parts.streamOf(queue), queue]));
    this.#link = new RedisLink({
      ...parts,
      purpose: "hear of work",
      use: (connection, works) => this.#read(connection, works),
    });
  }

  /** Hints are read, or would be if there were room. */
  get isHearing(): boolean {
    return this.#link.works || this.#queues.size === 0;
  }

  start(): void {
    if (this.#closing !== undefined || this.#queues.size === 0) return;
    this.#link.start();
    this.#endTidying ??= startTidying({
      ...this.#parts,
      consumer: this.#consumer,
      streams: this.#streams,
      hasRoom: () => this.#hasRoom && this.#closing === undefined,
      onTaken: (stream, entries) => this.#take([{ stream, entries }]),
    });
  }

  /** Tells of work in a queue without the broker. */
  tell(queue: string): void {
    if (this.#closing === undefined && this.#parts.queues.includes(queue)) this.#parts.onHint(queue);
  }

  settle(queue: string, isMore: boolean): void {
    const entries = this.#held.get(queue);
    if (entries === undefined) return;
    this.#held.delete(queue);
    this.#finish(queue, entries, isMore);
  }

  receive(hasRoom: boolean): void {
    if (hasRoom === this.#hasRoom || this.#closing !== undefined) return;
    this.#hasRoom = hasRoom;
    clearTimeout(this.#graceTimer);
    this.#graceTimer = undefined;
    if (!hasRoom) return this.#giveBackSoon();
    const untold = [...this.#untold];
    this.#untold.clear();
    for (const [queue, entries] of untold) this.#hold(queue, entries);
    this.#turn.wake();
  }

  close(): void {
    this.#closing ??= this.#close();
  }

  /** Resolves when what was held has been given back, in bounded time. */
  async closed(): Promise<void> {
    this.close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    // The rest sees that it closes.
    await Promise.resolve();
    clearTimeout(this.#graceTimer);
    this.#endTidying?.();
    this.#turn.wake();
    const { commands } = this.#parts;
    const id = this.#clientId;
    // A read that is torn off could be given hints that nobody knows of.
    if (id !== undefined) await commands.run((client) => client.client("UNBLOCK", id)).catch(() => undefined);
    await this.#link.stop(farewellMs);
    const leaving = [...this.#queues.keys()].map((stream) => this.#leave(stream));
    // What can't be given back now others take when it has not been settled for a while.
    await Promise.all(leaving).catch(() => undefined);
  }

  async #leave(stream: string): Promise<void> {
    const { commands } = this.#parts;
    const entries = await commands.run((client) => readOwn(client, this.#consumer, stream));
    await this.#settleEntries(stream, entries, true);
    await commands.run((client) => removeConsumer(client, stream, this.#consumer));
  }

  async #read(connection: RedisConnection, works: () => void): Promise<void> {
    const { client, inTime, signal } = connection;
    signal.addEventListener("abort", () => this.#turn.wake(), { once: true });
    this.#clientId = await inTime(client.client("ID"));
    await this.#group(connection);
    const waiting = await inTime(readNew(client, this.#consumer, this.#streams));
    works();
    this.#wakeAll();
    this.#take(waiting);
    while (this.#closing === undefined) {
      signal.throwIfAborted();
      if (this.#hasRoom) this.#take(await this.#next(connection));
      else await this.#waitForRoom(connection);
    }
  }

  get #streams(): readonly string[] {
    return [...this.#queues.keys()];
  }

  async #next(connection: RedisConnection): Promise<readonly Delivery[]> {
    const { client, inTime, signal } = connection;
    const { blockMs, regroupMs } = this.#parts.times;
    try {
      return await inTime(readNew(client, this.#consumer, this.#streams, blockMs), blockMs);
    } catch (error) {
      if (!isGone(error)) throw error;
      // A server that throws streams away whenever it needs room does it again and again.
      await sleep(Math.max(0, this.#groupedAtMs + regroupMs - performance.now()), signal);
      await this.#group(connection);
      this.#wakeAll();
      return [];
    }
  }

  async #waitForRoom({ client, inTime, signal }: RedisConnection): Promise<void> {
    await this.#turn.wait(this.#parts.times.lookEveryMs);
    signal.throwIfAborted();
    if (!this.#hasRoom && this.#closing === undefined) await inTime(client.ping());
  }

  async #group({ client, inTime }: RedisConnection): Promise<void> {
    this.#groupedAtMs = performance.now();
    await inTime(
      Promise.all(
        this.#streams.map(async (stream) => {
          if (await ensureGroup(client, stream)) this.#complainOfForeignKey(stream);
        }),
      ),
    );
  }

  #complainOfForeignKey(stream: string): void {
    this.#parts.logger.warn(
      { code: "broker_key_set_aside", queue: this.#queues.get(stream) },
      `Redis had a key ${stream} that was no stream: it was renamed to ${keptAs(stream)}. Something else writes to our names.`,
    );
  }

  #wakeAll(): void {
    for (const queue of this.#parts.queues) this.tell(queue);
  }

  #take(deliveries: readonly Delivery[]): void {
    for (const { stream, entries } of deliveries) {
      const queue = this.#queues.get(stream);
      if (queue === undefined) continue;
      const hints = entries.filter(({ hint }) => hint !== undefined);
      if (hints.length < entries.length) this.#throwAway(queue, entries);
      if (hints.length > 0) this.#hold(queue, hints);
    }
  }

  #hold(queue: string, entries: readonly StreamEntry[]): void {
    this.#keep(this.#hasRoom ? this.#held : this.#untold, queue, entries);
    if (this.#hasRoom) return this.tell(queue);
    this.#giveBackSoon();
  }

  #keep(kept: Map<string, StreamEntry[]>, queue: string, entries: readonly StreamEntry[]): void {
    const known = new Set(this.#keptOf(queue).map(({ id }) => id));
    const all = [...(kept.get(queue) ?? []), ...entries.filter(({ id }) => !known.has(id))];
    if (all.length > maxHeld) this.#finish(queue, all.splice(0, all.length - 1), false);
    if (all.length > 0) kept.set(queue, all);
  }

  #keptOf(queue: string): readonly StreamEntry[] {
    return [...(this.#held.get(queue) ?? []), ...(this.#untold.get(queue) ?? [])];
  }

  /** Not at once: a slot may be free again before another worker has claimed. */
  #giveBackSoon(): void {
    if (this.#held.size + this.#untold.size === 0 || this.#closing !== undefined) return;
    this.#graceTimer ??= setTimeout(() => {
      this.#graceTimer = undefined;
      for (const queue of this.#parts.queues) this.#giveBack(queue);
    }, this.#parts.times.graceMs);
  }

  #giveBack(queue: string): void {
    const entries = this.#keptOf(queue);
    this.#held.delete(queue);
    this.#untold.delete(queue);
    if (entries.length > 0) this.#finish(queue, entries, true);
  }

  /** Foreign entries are done with, and nobody is told of them. */
  #throwAway(queue: string, entries: readonly StreamEntry[]): void {
    const foreign = entries.filter(({ hint }) => hint === undefined);
    this.#finish(queue, foreign, false);
    if (this.#hasComplained) return;
    this.#hasComplained = true;
    this.#parts.logger.warn(
      { queue, count: foreign.length },
      "entries that are no hints were removed from a stream; something else writes to it, or deletes from it",
    );
  }

  /** Not waited for. What fails stays with us in the server, and others take it after a while. */
  #finish(queue: string, entries: readonly StreamEntry[], isMore: boolean): void {
    this.#settleEntries(this.#parts.streamOf(queue), entries, isMore).catch(() => undefined);
  }

  async #settleEntries(stream: string, entries: readonly StreamEntry[], isMore: boolean): Promise<void> {
    const ids = entries.map(({ id }) => id);
    const hint = isMore ? mergedHint(entries) : undefined;
    await this.#parts.commands.run((client) =>
      hint === undefined ? forget(client, stream, ids) : giveBack(client, stream, ids, hint),
    );
  }
}
