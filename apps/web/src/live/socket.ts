import type { ClientFrame, ServerFrame } from "@millrace/contracts";
import type { LiveEnvironment, SocketLike } from "./environment.ts";
import { readFrame, unauthorizedClose } from "./frames.ts";

/** `polling`: two attempts in a row failed; pages ask the API every few seconds meanwhile. */
export type LiveState = "connecting" | "live" | "reconnecting" | "polling" | "signed_out";

export type Snapshot = { readonly seq: number; readonly data: unknown };
export type TopicEvent = Extract<ServerFrame, { t: "ev" }>;

/** Gets what arrives for one topic, in order, at most once per animation frame. */
export type TopicListener = {
  readonly onSnapshot: (snapshot: Snapshot) => void;
  readonly onEvents: (events: readonly TopicEvent[]) => void;
};

type Topic = { readonly listener: TopicListener; lastSeq: number | undefined; pending: Delivery[] };
type Delivery = { kind: "snapshot"; snapshot: Snapshot } | { kind: "event"; event: TopicEvent };

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
  readonly #topics = new Map<string, Topic>();
  readonly #stateListeners = new Set<() => void>();
  #state: LiveState = "connecting";
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
    return this.#state;
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

  /** One listener per topic: a second subscription to the same topic replaces the first. */
  subscribe(topic: string, listener: TopicListener): () => void {
    const entry: Topic = { listener, lastSeq: undefined, pending: [] };
    this.#topics.set(topic, entry);
    if (this.#isReady) this.#send({ op: "sub", topic });
    return () => {
      if (this.#topics.get(topic) !== entry) return;
      this.#topics.delete(topic);
      if (this.#isReady) this.#send({ op: "unsub", topic });
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
    for (const [topic, { lastSeq }] of this.#topics) {
      this.#send(lastSeq === undefined ? { op: "sub", topic } : { op: "sub", topic, since: lastSeq });
    }
  }

  #route(frame: Extract<ServerFrame, { t: "snap" | "ev" | "reset" }>): void {
    const topic = this.#topics.get(frame.topic);
    if (topic === undefined) return;
    if (frame.t === "reset") {
      topic.lastSeq = undefined;
      return;
    }
    if (frame.t === "snap") {
      // After a resume the missed events follow the snapshot, so the last number seen stays the
      // mark. A snapshot below that mark is of a stream that began anew.
      if (topic.lastSeq === undefined || frame.seq < topic.lastSeq) topic.lastSeq = frame.seq;
      topic.pending.push({ kind: "snapshot", snapshot: { seq: frame.seq, data: frame.data } });
    } else {
      if (frame.seq !== null) {
        if (topic.lastSeq !== undefined && frame.seq <= topic.lastSeq) return;
        topic.lastSeq = frame.seq;
      }
      topic.pending.push({ kind: "event", event: frame });
    }
    this.#planFlush();
  }

  #planFlush(): void {
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    this.#environment.beforePaint(() => {
      this.#isFlushPlanned = false;
      for (const topic of this.#topics.values()) flush(topic);
    });
  }

  #send(frame: ClientFrame): void {
    this.#socket?.send(JSON.stringify(frame));
  }

  #setState(state: LiveState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of this.#stateListeners) listener();
  }
}

function flush(topic: Topic): void {
  const deliveries = topic.pending;
  if (deliveries.length === 0) return;
  topic.pending = [];
  let events: TopicEvent[] = [];
  for (const delivery of deliveries) {
    if (delivery.kind === "event") {
      events.push(delivery.event);
      continue;
    }
    if (events.length > 0) topic.listener.onEvents(events);
    events = [];
    topic.listener.onSnapshot(delivery.snapshot);
  }
  if (events.length > 0) topic.listener.onEvents(events);
}
