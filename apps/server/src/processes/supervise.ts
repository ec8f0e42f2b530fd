import cluster from "node:cluster";
import type { Worker } from "node:cluster";
import type { Logger } from "@millrace/kernel";
import type { ToProcess } from "./messages.ts";
import { addDeath, isHopeless, noDeaths, pauseBeforeRestart } from "./restart-plan.ts";
import type { Deaths } from "./restart-plan.ts";

/** What a process ended with; null when a signal ended it. */
type Exit = { readonly code: number | null; readonly signal: string | null };

/** Of one that the system had no room for, or did not find. */
const neverRan: Exit = { code: 1, signal: null };

export type SupervisorOptions = {
  readonly count: number;
  /** The module that each process runs, and its arguments. */
  readonly module: string;
  readonly words: readonly string[];
  /** Added to this process's environment for the one with this number, counted from 1. */
  readonly environmentOf: (number: number) => Readonly<Record<string, string>>;
  /** With these nobody gets further by starting it again. */
  readonly finalCodes: readonly number[];
  /** A process that has not ended by then after it was told to stop is killed. */
  readonly stopMs: number;
  readonly logger: Logger;
};

export type Supervisor = {
  /** Resolves when all have ended for good, with what to end with: the worst of their exit codes. */
  readonly ended: Promise<number>;
  /** One that does not listen yet is told as soon as it does. */
  readonly tell: (message: ToProcess) => void;
  /** Kills all without a word. */
  readonly kill: () => void;
};

/**
 * Starts several processes of one role and starts those again that die, later and later when they die soon. One
 * that ends with code 0 was asked to. All listen on one port if they listen. When this process is killed, they
 * notice and stop by themselves.
 */
export function supervise(options: SupervisorOptions): Supervisor {
  // They share the listening socket. Had this process to deal out the connections, those dealt to one that is
  // killed or stopped would hang.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ exec: options.module, args: [...options.words] });
  const supervision = new Supervision(options);
  return {
    ended: supervision.ended,
    tell: (message) => supervision.tell(message),
    kill: () => supervision.kill(),
  };
}

class Supervision {
  readonly #options: SupervisorOptions;
  readonly #places: Place[];
  readonly #end = Promise.withResolvers<number>();
  #worstCode = 0;
  #isStopping = false;
  readonly #told: ToProcess[] = [];
  #killing: NodeJS.Timeout | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#places = Array.from({ length: options.count }, (_, index) => ({
      number: index + 1,
      child: undefined,
      startedMs: 0,
      isListening: false,
      isReady: false,
      deaths: noDeaths,
      restart: undefined,
      isOver: false,
    }));
    for (const place of this.#places) this.#start(place);
  }

  get ended(): Promise<number> {
    return this.#end.promise;
  }

  tell(message: ToProcess): void {
    if (!this.#isStopping) this.#stopRestarting();
    this.#told.push(message);
    for (const place of this.#places) if (place.isListening) send(place, message);
    this.#endWhenOver();
  }

  kill(): void {
    for (const { child } of this.#places) child?.process.kill("SIGKILL");
  }

  #start(place: Place): void {
    place.restart = undefined;
    place.isListening = false;
    place.isReady = false;
    place.startedMs = performance.now();
    const child = this.#fork(place);
    if (child === undefined) return this.#ended(place, neverRan);
    place.child = child;
    child.on("message", (message) => {
      // What one has said may arrive after its end, when the next runs already.
      if (place.child !== child) return;
      if (message === "ready") place.isReady = true;
      if (message === "listening") this.#tellAll(place);
    });
    child.on("error", (error) => {
      this.#logError(place, error);
      // Of one that never ran Node tells no exit, and sometimes a second error.
      if (child.process.pid === undefined && place.child === child) this.#ended(place, neverRan);
    });
    child.once("exit", (code, signal) => this.#ended(place, { code, signal }));
  }

  /** Undefined when that fails at once; most failures come later, as an error of the process. */
  #fork(place: Place): Worker | undefined {
    try {
      return cluster.fork(this.#options.environmentOf(place.number));
    } catch (error) {
      this.#logError(place, error);
      return undefined;
    }
  }

  #tellAll(place: Place): void {
    place.isListening = true;
    for (const message of this.#told) send(place, message);
  }

  #logError(place: Place, error: unknown): void {
    const about = { err: error, process: place.number };
    this.#options.logger.error(about, "a process could not be started or told something");
  }

  #ended(place: Place, exit: Exit): void {
    const { logger, finalCodes } = this.#options;
    const { code, signal } = exit;
    const about = { process: place.number, ended_pid: place.child?.process.pid, code, signal };
    place.child = undefined;
    if (code === 0) logger.info(about, "a process has ended as it was asked to");
    if (this.#isStopping || code === 0) return this.#isOver(place, exit);
    place.deaths = addDeath(place.deaths, {
      ms: performance.now() - place.startedMs,
      wasReady: place.isReady,
    });
    const isHelpless =
      isHopeless(place.deaths) && !this.#places.some(({ isReady, child }) => isReady && child);
    if (isHelpless || (code !== null && finalCodes.includes(code))) {
      logger.error(about, "a process can't be started, and all end");
      this.#isOver(place, exit);
      return this.tell("stop");
    }
    const pauseMs = pauseBeforeRestart(place.deaths);
    logger.warn({ ...about, again_in_ms: pauseMs }, "a process has ended and is started again");
    place.restart = setTimeout(() => this.#start(place), pauseMs);
  }

  #isOver(place: Place, { code }: Exit): void {
    place.isOver = true;
    this.#worstCode = Math.max(this.#worstCode, code ?? 1);
    this.#endWhenOver();
  }

  #stopRestarting(): void {
    this.#isStopping = true;
    for (const place of this.#places) {
      if (place.child !== undefined) continue;
      clearTimeout(place.restart);
      place.isOver = true;
    }
    this.#killing = setTimeout(() => this.kill(), this.#options.stopMs);
  }

  #endWhenOver(): void {
    if (!this.#places.every(({ isOver }) => isOver)) return;
    clearTimeout(this.#killing);
    this.#end.resolve(this.#worstCode);
  }
}

/** Where one process runs, is started again, or has run. */
type Place = {
  readonly number: number;
  child: Worker | undefined;
  startedMs: number;
  /** What it is sent before would be lost: Node itself takes the messages of a process that loads its modules. */
  isListening: boolean;
  isReady: boolean;
  deaths: Deaths;
  restart: NodeJS.Timeout | undefined;
  isOver: boolean;
};

function send({ child }: Place, message: ToProcess): void {
  if (child?.isConnected()) child.send(message);
}
