import { sleep, StopError, toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { withAmqpConnection, withChannel } from "./amqp-connection.ts";
import type { AmqpConnection } from "./amqp-connection.ts";
import { retryPauseMs } from "../retry-pause.ts";
import type { RetryPauses } from "../retry-pause.ts";

/** All in milliseconds. */
export type AmqpTimes = RetryPauses & {
  /** How often it is made sure that the server still answers. Default 10,000. */
  readonly lookEveryMs: number;
  /** How long the server may take to answer that and everything else, or to connect. Default 5,000. */
  readonly answerMs: number;
};

export type AmqpLinkParts = {
  readonly url: string;
  readonly name: string;
  readonly logger: Logger;
  readonly times: AmqpTimes;
  /** What it is for, as in "publish hints". */
  readonly purpose: string;
  /** Called with each new connection, which is given up when this throws. */
  readonly onOpen: (connection: AmqpConnection) => Promise<void>;
  /** Called after each look that was answered. */
  readonly onLook?: () => void;
};

/**
 * One connection to RabbitMQ that is made anew whenever it is lost, silent or given up. While it can't be
 * made, it complains once and goes on trying, not more often than once a second.
 */
export class AmqpLink {
  readonly #parts: AmqpLinkParts;
  readonly #ending = new AbortController();
  readonly #tried = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;
  #connection: AmqpConnection | undefined;
  #blockedBecause: string | undefined;
  #failures = 0;
  #isRefused = false;
  #hasComplained = false;

  constructor(parts: AmqpLinkParts) {
    this.#parts = parts;
  }

  /** Undefined while there is none that is set up and works. */
  get connection(): AmqpConnection | undefined {
    return this.#connection?.signal.aborted === false ? this.#connection : undefined;
  }

  /** Resolves when the first try to connect has ended, well or not; at once while it is not started. */
  get tried(): Promise<void> {
    return this.#running === undefined ? Promise.resolve() : this.#tried.promise;
  }

  /** The server has said that it reads nothing from this connection now. */
  get blockedBecause(): string | undefined {
    return this.#blockedBecause;
  }

  /** The server refuses our name or password. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when its connection is closed. */
  async stop(): Promise<void> {
    this.#ending.abort(new StopError("shutdown", "nobody wants hints any more"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { url, name, times } = this.#parts;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const options = { url, name, answerMs: times.answerMs, signal };
      await withAmqpConnection(options, (connection) => this.#use(connection)).catch((error: unknown) =>
        this.#failed(toError(error)),
      );
      await sleep(retryPauseMs(times, this.#failures), signal).catch(() => undefined);
    }
  }

  /** Ends by a throw, when the connection does. */
  async #use(connection: AmqpConnection): Promise<void> {
    const { model, signal } = connection;
    this.#blockedBecause = undefined;
    model.on("blocked", (reason) => (this.#blockedBecause = reason));
    model.on("unblocked", () => {
      this.#blockedBecause = undefined;
      this.#parts.onLook?.();
    });
    await this.#parts.onOpen(connection);
    this.#opened(connection);
    for (;;) {
      await sleep(this.#parts.times.lookEveryMs, signal);
      // One that reads nothing answers nothing. Whether it is still there, heartbeats tell.
      if (this.#blockedBecause !== undefined) continue;
      await withChannel(connection, async () => undefined);
      this.#held();
      this.#parts.onLook?.();
    }
  }

  #opened(connection: AmqpConnection): void {
    this.#connection = connection;
    this.#isRefused = false;
    this.#tried.resolve();
    this.#parts.onLook?.();
  }

  /**
   * Not before it has lasted for a look: a server whose disk was full takes every connection, and closes it as
   * soon as a queue is consumed.
   */
  #held(): void {
    this.#failures = 0;
    if (this.#hasComplained) this.#parts.logger.info(`RabbitMQ is there again to ${this.#parts.purpose}`);
    this.#hasComplained = false;
  }

  #failed(error: Error): void {
    this.#connection = undefined;
    this.#blockedBecause = undefined;
    this.#failures++;
    this.#tried.resolve();
    if (this.#ending.signal.aborted) return;
    // Of a refused login the library says no more than the server's words. A queue may be refused in the same ones.
    this.#isRefused = /Handshake terminated.*ACCESS_REFUSED/s.test(error.message);
    if (this.#hasComplained) return;
    this.#hasComplained = true;
    this.#parts.logger.warn(
      { err: error },
      `The connection to RabbitMQ to ${this.#parts.purpose} is lost or can't be made. Jobs start with the next poll until it is there again.`,
    );
  }
}
