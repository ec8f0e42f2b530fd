import type { ClientFrame, ServerFrame } from "@millrace/contracts";

export type Snapshot = { readonly seq: number; readonly data: unknown };
export type TopicEvent = Extract<ServerFrame, { t: "ev" }>;
export type Refusal = Extract<ServerFrame, { t: "err" }>;

/** Gets what arrives for one topic, in order, at most once per animation frame. */
export type TopicListener = {
  readonly onSnapshot: (snapshot: Snapshot) => void;
  readonly onEvents: (events: readonly TopicEvent[]) => void;
  /**
   * What was asked for is not kept any more, or the stream began anew: what was told so far does not lead up to what
   * comes. A snapshot follows.
   */
  readonly onReset?: () => void;
  /** The server refused for good, as there is no such thing for this person: nothing more will come. */
  readonly onRefused?: (refusal: Refusal) => void;
};

type Delivery =
  | { kind: "snapshot"; snapshot: Snapshot }
  | { kind: "event"; event: TopicEvent }
  | { kind: "reset" };

/** A server that has too much to do is asked at least so often, unless it wishes for less. */
const maxPauseSeconds = 60;

/** What is known of one topic: how far it came, what waits to be delivered, and whether it is refused. */
export class WatchedTopic {
  readonly #name: string;
  readonly #listener: TopicListener;
  #lastSeq: number | undefined;
  #pending: Delivery[] = [];
  #refusals = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;

  /** `since`: what came after this number is asked for, too. */
  constructor(name: string, listener: TopicListener, since: number | undefined) {
    this.#name = name;
    this.#listener = listener;
    this.#lastSeq = since;
  }

  /** How often in a row the server could not take the subscription. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Asks for what comes after the last number seen. */
  subscription(): ClientFrame {
    const since = this.#lastSeq === undefined ? {} : { since: this.#lastSeq };
    return { op: "sub", topic: this.#name, ...since };
  }

  /** Says whether there is something to deliver. */
  take(frame: Extract<ServerFrame, { t: "snap" | "ev" | "reset" }>): boolean {
    this.#refusals = 0;
    if (frame.t === "reset") {
      this.#lastSeq = undefined;
      this.#pending.push({ kind: "reset" });
      return true;
    }
    if (frame.t === "snap") {
      // After a resume the missed events follow the snapshot, so the last number seen stays the
      // mark. A snapshot below that mark is of a stream that began anew.
      if (this.#lastSeq === undefined || frame.seq < this.#lastSeq) this.#lastSeq = frame.seq;
      this.#pending.push({ kind: "snapshot", snapshot: { seq: frame.seq, data: frame.data } });
      return true;
    }
    if (frame.seq !== null) {
      if (this.#lastSeq !== undefined && frame.seq <= this.#lastSeq) return false;
      this.#lastSeq = frame.seq;
    }
    this.#pending.push({ kind: "event", event: frame });
    return true;
  }

  /** Asks again after a pause when that may help, longer each time; else tells the listener. */
  refuse(refusal: Refusal, { random, again }: { random: () => number; again: () => void }): void {
    this.rest();
    const seconds = refusal.retry_after_seconds;
    if (seconds === undefined) {
      this.#refusals = 0;
      this.#listener.onRefused?.(refusal);
      return;
    }
    this.#refusals += 1;
    // All who were refused at once must not come back at once.
    const longest = Math.max(seconds, Math.min(maxPauseSeconds, seconds * 2 ** this.#refusals));
    const pauseSeconds = seconds + random() * (longest - seconds);
    this.#retryTimer = setTimeout(again, pauseSeconds * 1000);
  }

  /** No longer waits to ask again. */
  rest(): void {
    clearTimeout(this.#retryTimer);
  }

  /** Delivers what waits. */
  flush(): void {
    const deliveries = this.#pending;
    this.#pending = [];
    let events: TopicEvent[] = [];
    for (const delivery of deliveries) {
      if (delivery.kind === "event") {
        events.push(delivery.event);
        continue;
      }
      if (events.length > 0) this.#listener.onEvents(events);
      events = [];
      if (delivery.kind === "reset") this.#listener.onReset?.();
      else this.#listener.onSnapshot(delivery.snapshot);
    }
    if (events.length > 0) this.#listener.onEvents(events);
  }
}
