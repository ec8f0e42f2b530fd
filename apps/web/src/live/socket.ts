import type { ClientFrame, ServerFrame } from "@millrace/contracts";
import type { LiveEnvironment, SocketLike } from "./environment.ts";
import { readFrame, unauthorizedClose } from "./frames.ts";
import { WatchedTopic } from "./watched-topic.ts";
import type { Refusal, TopicListener } from "./watched-topic.ts";

/**
 * `reconnecting`: the connection, or a topic that the server can't give now, is asked for again.
 * `polling`: two attempts in a row failed; pages ask the API every few seconds meanwhile.
 */
export type LiveState = "connecting" | "live" | "reconnecting" | "polling" | "signed_out";

const firstDelayMs = 500;
const maxDelayMs = 15_000;
const failuresUntilPolling = 2;
/** A socket that never says hello is as dead as one that is refused. */
const helloWithinMs = 10_000;
const defaultHeartbeatSeconds = 20;

/**
 * The one socket of a tab. Subscriptions survive reconnects and resume after the last number seen,
 * so that a listener misses nothing and gets nothing twice.
 */
export class LiveSocket {
  readonly #environment: LiveEnvironment;
  readonly #topics = new Map<string, WatchedTopic>();
  /** Topics that nobody watches, which the server did not hear: told again when their timers are over. */
  readonly #leaving = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #stateListeners = new Set<() => void>();
  #connection: LiveState = "connecting";
  #toldState: LiveState = "connecting";
  #socket: SocketLike | undefined;
  #isReady = false;
  #failures = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #silenceTimer: ReturnType<typeof setTimeout> | undefined;
  #pingTimer: ReturnType<typeof setInterval> | undefined;
  #stopWatching: (() => void) | undefined;
  #isFlushPlanned = false;

  constructor(environment: LiveEnvironment) {
    this.#environment = environment;
  }

  get state(): LiveState {
    return this.#toldState;
  }

  onStateChange(listener: () => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** Connects, and keeps connecting until `stop`. Starting twice is the same as once. */
  start(): void {
    if (this.#stopWatching !== undefined) return;
    this.#stopWatching = this.#environment.watchWake(() => this.#wake());
    this.#setState("connecting");
    this.#connect();
  }

  stop(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
    this.#drop();
  }

  /** Tries at once instead of at the end of the pause between attempts; nothing while connected. */
  hurry(): void {
    if (this.#retryTimer !== undefined) this.#connect();
  }

  /** Ends being signed out: tries again, after the same pauses as after any failure. Nothing in other states. */
  knockAgain(): void {
    if (this.#stopWatching !== undefined && this.#connection === "signed_out") this.#retryLater();
  }

  /**
   * One listener per topic: a second subscription to the same topic replaces the first. `fromStart`: with what
   * happened before, as far as it is kept. Default false.
   */
  subscribe(
    topic: string,
    listener: TopicListener,
    { fromStart = false }: { readonly fromStart?: boolean } = {},
  ): () => void {
    const entry = new WatchedTopic(topic, listener, fromStart ? 0 : undefined);
    this.#topics.get(topic)?.rest();
    clearTimeout(this.#leaving.get(topic));
    this.#leaving.delete(topic);
    this.#topics.set(topic, entry);
    if (this.#isReady) this.#send(entry.subscription());
    this.#tellState();
    return () => {
      entry.rest();
      if (this.#topics.get(topic) !== entry) return;
      this.#topics.delete(topic);
      if (this.#isReady) this.#send({ op: "unsub", topic });
      this.#tellState();
    };
  }

  #connect(): void {
    this.#drop();
    const socket = this.#environment.openSocket({
      onMessage: (text) => {
        if (this.#socket === socket) this.#receive(readFrame(text));
      },
      onClose: (code) => {
        if (this.#socket === socket) this.#lost(code);
      },
    });
    this.#socket = socket;
    this.#expectSoon(helloWithinMs);
  }

  /** Forgets the present socket without treating its end as a failure. */
  #drop(): void {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#silenceTimer);
    clearInterval(this.#pingTimer);
    for (const topic of this.#topics.values()) topic.rest();
    for (const timer of this.#leaving.values()) clearTimeout(timer);
    this.#leaving.clear();
    this.#retryTimer = undefined;
    this.#isReady = false;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #lost(code: number): void {
    this.#drop();
    if (code === unauthorizedClose) {
      this.#setState("signed_out");
      return;
    }
    this.#retryLater();
  }

  #retryLater(): void {
    this.#failures += 1;
    this.#setState(this.#failures >= failuresUntilPolling ? "polling" : "reconnecting");
    const ceilingMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (this.#failures - 1));
    this.#retryTimer = setTimeout(() => this.#connect(), this.#environment.random() * ceilingMs);
  }

  #wake(): void {
    if (this.#isReady) this.#send({ op: "ping" });
    else this.hurry();
  }

  /** Half-open connections never close by themselves: silence beyond this ends them. */
  #expectSoon(withinMs: number): void {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => this.#lost(0), withinMs);
  }

  #receive(frame: ServerFrame | undefined): void {
    if (frame === undefined) return;
    if (frame.t === "hello") this.#ready(frame.heartbeat);
    this.#expectSoon(this.#silenceLimitMs);
    if (frame.t === "snap" || frame.t === "ev" || frame.t === "reset") this.#route(frame);
    if (frame.t === "err") this.#refused(frame);
  }

  #silenceLimitMs = defaultHeartbeatSeconds * 2500;

  #ready(heartbeatSeconds: number): void {
    const heartbeatMs = (heartbeatSeconds > 0 ? heartbeatSeconds : defaultHeartbeatSeconds) * 1000;
    this.#silenceLimitMs = heartbeatMs * 2.5;
    clearInterval(this.#pingTimer);
    this.#pingTimer = setInterval(() => this.#send({ op: "ping" }), heartbeatMs);
    this.#isReady = true;
    this.#failures = 0;
    this.#setState("live");
    for (const topic of this.#topics.values()) this.#send(topic.subscription());
  }

  #route(frame: Extract<ServerFrame, { t: "snap" | "ev" | "reset" }>): void {
    const topic = this.#topics.get(frame.topic);
    if (topic?.take(frame) === true) this.#planFlush();
    this.#tellState();
  }

  #refused(refusal: Refusal): void {
    const name = refusal.topic ?? "";
    const topic = this.#topics.get(name);
    if (topic === undefined) this.#leaveLater(name, refusal.retry_after_seconds);
    topic?.refuse(refusal, {
      random: this.#environment.random,
      again: () => this.#send(topic.subscription()),
    });
    this.#tellState();
  }

  /** A message that was dropped may have been that nobody watches it: else it would count as watched for good. */
  #leaveLater(topic: string, seconds: number | undefined): void {
    if (topic === "" || seconds === undefined) return;
    clearTimeout(this.#leaving.get(topic));
    const leave = () => {
      this.#leaving.delete(topic);
      this.#send({ op: "unsub", topic });
    };
    const pauseMs = seconds * 1000 * (1 + this.#environment.random());
    this.#leaving.set(topic, setTimeout(leave, pauseMs));
  }

  #planFlush(): void {
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    this.#environment.beforePaint(() => {
      this.#isFlushPlanned = false;
      for (const topic of this.#topics.values()) topic.flush();
    });
  }

  #send(frame: ClientFrame): void {
    this.#socket?.send(JSON.stringify(frame));
  }

  #setState(state: LiveState): void {
    this.#connection = state;
    this.#tellState();
  }

  #tellState(): void {
    const state = this.#connection === "live" ? this.#stateOfTopics() : this.#connection;
    if (this.#toldState === state) return;
    this.#toldState = state;
    for (const listener of this.#stateListeners) listener();
  }

  /** A page without news of what it shows is no better off than one without a connection. */
  #stateOfTopics(): LiveState {
    const refusals = Math.max(0, ...[...this.#topics.values()].map((topic) => topic.refusals));
    if (refusals === 0) return "live";
    return refusals >= failuresUntilPolling ? "polling" : "reconnecting";
  }
}
