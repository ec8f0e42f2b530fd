import { newId, sleep, StopError, toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { hintChannel } from "./hint-payload.ts";
import { within, withListenConnection } from "./listen-connection.ts";

/** All in milliseconds. */
export type ListenTimes = {
  /** How often it is made sure that the connection still listens. Default 10,000. */
  readonly lookEveryMs: number;
  /** How long the server may take to answer that, or to connect. Default 5,000. */
  readonly answerMs: number;
  /** How long a fresh connection may take to hear a notification. Default 2,000. */
  readonly hearMs: number;
  /** The pause after the first failure; it doubles with each. Default 500. */
  readonly minPauseMs: number;
  /** Default 10,000. */
  readonly maxPauseMs: number;
  /** The pause after a connection that can't hear, which will hardly change. Default 60,000. */
  readonly unheardPauseMs: number;
};

export type ListenParts = {
  readonly url: string;
  readonly logger: Logger;
  readonly times: ListenTimes;
  /** Notifies over another connection than the one that listens. */
  readonly notify: (payload: string) => Promise<void>;
  readonly onPayload: (payload: string) => void;
  /** Hints are heard from now on. Earlier ones may have been missed. */
  readonly onHearing: () => void;
};

const unheardMessage =
  "Hints of other processes are not heard, and their jobs start with the next poll. LISTEN does not work through a pooler in transaction mode: set DATABASE_DIRECT_URL to the address of the same database without the pooler.";
const lostMessage =
  "The connection for hints of other processes is lost or can't be made. Their jobs start with the next poll until it is there again.";

/**
 * Listens on one connection of its own, and makes a new one whenever that is lost, silent, deaf or no
 * longer listening. While it can't, it complains once and goes on trying.
 */
export class HintListener {
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
    this.#ending.abort(new StopError("shutdown", "nobody wants hints any more"));
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
    const { url, times, onPayload } = this.#parts;
    // Sent over another connection. Behind a pooler this one could be given the server's connection that
    // listens, just for that statement, and would hear what it never hears again.
    const probe = `${newId()}:`;
    const heard = Promise.withResolvers<void>();
    const onNotification = (channel: string, payload: string): void => {
      if (channel !== hintChannel) return;
      if (payload === probe) heard.resolve();
      else onPayload(payload);
    };
    const options = { url, answerMs: times.answerMs, signal: this.#ending.signal, onNotification };
    return withListenConnection(options, async ({ client, inTime, signal }) => {
      await inTime(client.query(`LISTEN ${hintChannel}`));
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
        return jittered(times.unheardPauseMs);
      }
      this.#hearing();
      for (;;) {
        await sleep(times.lookEveryMs, signal);
        const look = client.query<{ channel: string }>("SELECT pg_listening_channels() AS channel");
        const { rows } = await inTime(look);
        if (!rows.some(({ channel }) => channel === hintChannel)) {
          throw new Error("the connection no longer listens");
        }
      }
    });
  }

  #hearing(): void {
    this.#isHearing = true;
    this.#failures = 0;
    if (this.#told !== "hearing") this.#parts.logger.info("hints of other processes are heard again");
    this.#told = "hearing";
    this.#parts.onHearing();
  }

  #unheard(): void {
    if (this.#told !== "unheard") this.#parts.logger.warn(unheardMessage);
    this.#told = "unheard";
  }

  #failed(error: Error): number {
    this.#isHearing = false;
    if (this.#ending.signal.aborted) return 0;
    const { times, logger } = this.#parts;
    if (this.#told === "hearing") {
      logger.warn({ err: error }, lostMessage);
      this.#told = "lost";
    }
    return jittered(Math.min(times.maxPauseMs, times.minPauseMs * 2 ** this.#failures++));
  }
}

/** All processes lose their connections at once when a server restarts, and must not return at once. */
function jittered(ms: number): number {
  return ms * (0.5 + Math.random() / 2);
}
