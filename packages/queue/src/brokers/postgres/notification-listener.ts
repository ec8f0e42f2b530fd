import { newId, sleep, StopError, toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { retryPauseMs } from "../retry-pause.ts";
import { within } from "../within.ts";
import { withListenConnection } from "./listen-connection.ts";

/** All in milliseconds. */
export type ListenTimes = {
  /** How often it is made sure that the connection still listens. */
  readonly lookEveryMs: number;
  /** How long the server may take to answer that, or to connect. */
  readonly answerMs: number;
  /** How long a fresh connection may take to hear a notification. */
  readonly hearMs: number;
  /** The pause after the first failure; it doubles with each. */
  readonly minPauseMs: number;
  readonly maxPauseMs: number;
  /** The pause after a connection that can't hear, which will hardly change. */
  readonly unheardPauseMs: number;
};

/** Meant for production; tests shorten them. */
export const defaultListenTimes: ListenTimes = {
  lookEveryMs: 10_000,
  answerMs: 5_000,
  hearMs: 2_000,
  minPauseMs: 500,
  maxPauseMs: 10_000,
  unheardPauseMs: 60_000,
};

/** What the log is told of a listener, each once until something changes. */
export type ListenWords = {
  /** Connected, but nothing comes through. */
  readonly unheard: string;
  /** The connection is lost or can't be made. */
  readonly lost: string;
  readonly again: string;
};

export type ListenParts = {
  readonly url: string;
  readonly channel: string;
  readonly words: ListenWords;
  readonly logger: Logger;
  readonly times: ListenTimes;
  /** Notifies over another connection than the one that listens. */
  readonly notify: (payload: string) => Promise<void>;
  readonly onPayload: (payload: string) => void;
  /** Notifications are heard from now on. Earlier ones may have been missed. */
  readonly onHearing: () => void;
};

/**
 * Listens on one connection of its own, and makes a new one whenever that is lost, silent, deaf or no
 * longer listening. While it can't, it complains once and goes on trying.
 */
export class NotificationListener {
  readonly #parts: ListenParts;
  readonly #ending = new AbortController();
  #running: Promise<void> | undefined;
  #isHearing = false;
  #failures = 0;
  /** What the log was last told. */
  #told: "hearing" | "lost" | "unheard" = "hearing";

  constructor(parts: ListenParts) {
    this.#parts = parts;
  }

  get isHearing(): boolean {
    return this.#isHearing;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when its connection is closed. */
  async stop(): Promise<void> {
    this.#ending.abort(new StopError("shutdown", "nobody wants to hear anything any more"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const pauseMs = await this.#listen().catch((error: unknown) => this.#failed(toError(error)));
      await sleep(pauseMs, signal).catch(() => undefined);
    }
  }

  /** Listens until it fails; returns how long to wait before the next try when it can't hear. */
  #listen(): Promise<number> {
    const { url, channel, times, onPayload } = this.#parts;
    // Sent over another connection. Behind a pooler this one could be given the server's connection that
    // listens, just for that statement, and would hear what it never hears again.
    const probe = `${newId()}:`;
    const heard = Promise.withResolvers<void>();
    const onNotification = (from: string, payload: string): void => {
      if (from !== channel) return;
      if (payload === probe) heard.resolve();
      else onPayload(payload);
    };
    const options = { url, answerMs: times.answerMs, signal: this.#ending.signal, onNotification };
    return withListenConnection(options, async ({ client, inTime, signal }) => {
      await inTime(client.query(`LISTEN ${channel}`));
      await inTime(this.#parts.notify(probe));
      const hears = await within(heard.promise, times.hearMs, signal).then(
        () => true,
        () => false,
      );
      signal.throwIfAborted();
      if (!hears) {
        this.#unheard();
        // The server's connection would go on listening for nobody. A pooler mostly gives the same again.
        await inTime(client.query("UNLISTEN *")).catch(() => undefined);
        return retryPauseMs({ minPauseMs: times.unheardPauseMs, maxPauseMs: times.unheardPauseMs }, 1);
      }
      this.#hearing();
      for (;;) {
        await sleep(times.lookEveryMs, signal);
        const look = client.query<{ heard: string }>("SELECT pg_listening_channels() AS heard");
        const { rows } = await inTime(look);
        if (!rows.some(({ heard }) => heard === channel)) {
          throw new Error("the connection no longer listens");
        }
      }
    });
  }

  #hearing(): void {
    this.#isHearing = true;
    this.#failures = 0;
    if (this.#told !== "hearing") this.#parts.logger.info(this.#parts.words.again);
    this.#told = "hearing";
    this.#parts.onHearing();
  }

  #unheard(): void {
    if (this.#told !== "unheard") this.#parts.logger.warn(this.#parts.words.unheard);
    this.#told = "unheard";
  }

  #failed(error: Error): number {
    this.#isHearing = false;
    if (this.#ending.signal.aborted) return 0;
    const { times, words, logger } = this.#parts;
    if (this.#told === "hearing") {
      logger.warn({ err: error }, words.lost);
      this.#told = "lost";
    }
    this.#failures++;
    return retryPauseMs(times, this.#failures);
  }
}
