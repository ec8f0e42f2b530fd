import { Worker as Thread } from "node:worker_threads";
import { toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import { giveUpAfterMs } from "./beats.ts";
import type { BeaterSettings, FromBeater, ToBeater } from "./heartbeat-messages.ts";
import { HeldJobs } from "./held-jobs.ts";
import type { Heartbeat, HeartbeatListener, Held } from "./heartbeat.ts";

/** A thread that dies as soon as it starts must not fill the log and the processor. */
const restartAfterMs = 1_000;

type Parts = {
  readonly settings: Omit<BeaterSettings, "isDoubted">;
  readonly logger: Logger;
  /** Default the real one. */
  readonly threadUrl?: URL;
};

/** Beats from a thread that handlers can't block, over a connection of its own. */
export function createThreadedHeartbeat(parts: Parts): Heartbeat {
  return new ThreadedHeartbeat(parts);
}

class ThreadedHeartbeat implements Heartbeat {
  readonly name = "heartbeat";
  readonly #parts: Parts;
  readonly #held = new HeldJobs((message: ToBeater) => this.#thread?.postMessage(message));
  /** A little later than the thread, which knows more, gives a job up, and well before its lease ends. */
  readonly #silenceMs: number;
  #listener: HeartbeatListener | undefined;
  #thread: Thread | undefined;
  #restart: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;
  #isStarted = false;
  #doesLand = true;
  /** Since the last beat that landed. */
  #hasDied = false;

  constructor(parts: Parts) {
    const { leaseMs } = parts.settings;
    this.#parts = parts;
    this.#silenceMs = giveUpAfterMs(leaseMs) + Math.min(2_000, leaseMs / 8);
  }

  async start(): Promise<void> {
    if (this.#isStarted) return;
    this.#isStarted = true;
    // To load a thread takes as much of the processor as thousands of jobs: before the first of them.
    const opening = this.#open();
    this.#looking = setInterval(() => this.#look(), Math.min(1_000, this.#parts.settings.beatMs / 4));
    try {
      await opening;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#isStarted = false;
    clearTimeout(this.#restart);
    clearInterval(this.#looking);
    const ending = this.#thread;
    this.#thread = undefined;
    // Not asked to end: with a connection on its way, or one to a dead network, it could not.
    await ending?.terminate();
  }

  hold(jobs: readonly Held[], ageMs: number): void {
    this.#held.hold(jobs, ageMs);
  }

  release(job: Held): void {
    this.#held.release(job);
  }

  listen(listener: HeartbeatListener): void {
    this.#listener = listener;
  }

  get doesLand(): boolean {
    return this.#doesLand;
  }

  /** Resolves when the thread beats, or has died. Rejects where the machine has no thread to give. */
  async #open(): Promise<void> {
    const { threadUrl = new URL("./heartbeat-thread.ts", import.meta.url), settings, logger } = this.#parts;
    const fresh = new Thread(threadUrl, { workerData: { ...settings, isDoubted: this.#hasDied } });
    this.#thread = fresh;
    fresh.on("message", (message: FromBeater) => this.#hear(message));
    fresh.on("error", (error) => {
      logger.error({ err: error }, "the heartbeat thread died and is started again");
    });
    const opened = Promise.withResolvers<void>();
    // The first that it says is that it is ready.
    fresh.once("message", () => opened.resolve());
    fresh.on("exit", () => {
      opened.resolve();
      if (this.#thread !== fresh) return;
      this.#thread = undefined;
      this.#hasDied = true;
      this.#restartLater();
    });
    this.#held.tellAll();
    await opened.promise;
  }

  #restartLater(): void {
    this.#restart = setTimeout(() => {
      this.#open().catch((error: unknown) => {
        this.#parts.logger.error({ err: toError(error) }, "the heartbeat thread can't be started");
        this.#restartLater();
      });
    }, restartAfterMs);
  }

  #hear(message: FromBeater): void {
    if (message.kind === "lost") this.#listener?.onLost(message);
    else if (message.kind === "cancel_requested") this.#listener?.onCancelRequested(message);
    else if (message.kind === "landed") {
      this.#held.landed(message.sentAtMs);
      this.#doesLand = true;
      this.#hasDied = false;
    } else if (message.kind === "landing") this.#doesLand = message.isSo;
    else if (message.kind === "failed")
      this.#parts.logger.warn({ reason: message.message }, "a heartbeat did not land");
  }

  #look(): void {
    this.#held.tellEnded();
    // What the thread said while this one was blocked is heard first.
    setImmediate(() => this.#giveUpSilent());
  }

  /** What the thread does for its jobs, where there is none, or each dies before a beat of it lands. */
  #giveUpSilent(): void {
    const silent = this.#held.silentFor(this.#silenceMs);
    if (silent.length === 0) return;
    // Else all is well, and this process stood still for as long: nothing has to be shown first.
    if (this.#hasDied && this.#doesLand) {
      this.#parts.logger.error({ jobs: silent.length }, "nothing beats for jobs; they are given up");
      this.#doesLand = false;
    }
    for (const job of silent) this.#listener?.onLost(job);
  }
}
