import { sleep, StopError, toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { withRedisConnection } from "./redis-connection.ts";
import type { RedisConnection } from "./redis-connection.ts";
import { retryPauseMs } from "../retry-pause.ts";
import type { RedisTimes } from "./redis-times.ts";

export type RedisLinkParts = {
  readonly url: string;
  readonly name: string;
  readonly logger: Logger;
  readonly times: Pick<RedisTimes, "answerMs" | "minPauseMs" | "maxPauseMs">;
  /** What it is for, as in "announce work". */
  readonly purpose: string;
  /**
   * Uses each new connection until it throws, or for the last time returns. Calls `works` when it has
   * everything that it needs.
   */
  readonly use: (connection: RedisConnection, works: () => void) => Promise<void>;
};

/**
 * One connection to Redis that is made anew whenever it is lost, silent or given up. While it can't be
 * made, it complains once and goes on trying, not more often than once a second.
 */
export class RedisLink {
  readonly #parts: RedisLinkParts;
  readonly #ending = new AbortController();
  readonly #tried = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;
  #isStopping = false;
  #works = false;
  #failures = 0;
  #hasComplained = false;
  #isRefused = false;

  constructor(parts: RedisLinkParts) {
    this.#parts = parts;
  }

  get works(): boolean {
    return this.#works;
  }

  /** Resolves when the first try to connect has succeeded or failed. */
  get tried(): Promise<void> {
    return this.#tried.promise;
  }

  /** The server refuses our name or password. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Lets the use end by itself for so long; resolves when the connection is closed. */
  async stop(graceMs = 0): Promise<void> {
    this.#isStopping = true;
    this.#tried.resolve();
    const reason = new StopError("shutdown", "nobody wants hints any more");
    const timer = setTimeout(() => this.#ending.abort(reason), graceMs);
    // One that waits for its next try has nothing to end.
    if (!this.#works) this.#ending.abort(reason);
    await this.#running;
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    const { url, name, times, use } = this.#parts;
    const { signal } = this.#ending;
    while (!this.#isStopping) {
      const options = { url, name, answerMs: times.answerMs, signal };
      try {
        await withRedisConnection(options, (connection) => use(connection, () => this.#began()));
        return;
      } catch (error) {
        this.#failed(toError(error));
      } finally {
        this.#works = false;
      }
      if (!this.#isStopping) await sleep(retryPauseMs(times, this.#failures), signal).catch(() => undefined);
    }
  }

  #began(): void {
    this.#works = true;
    this.#tried.resolve();
    this.#failures = 0;
    this.#isRefused = false;
    if (this.#hasComplained) this.#parts.logger.info(`Redis is there again to ${this.#parts.purpose}`);
    this.#hasComplained = false;
  }

  #failed(error: Error): void {
    this.#failures++;
    this.#tried.resolve();
    if (this.#isStopping) return;
    this.#isRefused = /^(WRONGPASS|NOAUTH|NOPERM|ERR invalid password)/.test(error.message);
    if (this.#hasComplained) return;
    this.#hasComplained = true;
    this.#parts.logger.warn(
      { err: error },
      `The connection to Redis to ${this.#parts.purpose} is lost or can't be used. Jobs start with the next poll until it is there again.`,
    );
  }
}
