import { toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import type { ChangeNotice, JobTransition, StoredEvent, StreamsMoved } from "./event.ts";

type Listener<Value> = (value: Value) => void;

/** Where a bus passes on what other processes are to hear of. It must be quick: it hears of every event. */
export type BusOutlet = {
  /** See `EventBus.admit`. */
  readonly admit: (stream: string, owner: string | null) => boolean;
  readonly events: (events: readonly StoredEvent[]) => void;
  readonly notice: (notice: ChangeNotice) => void;
};

/**
 * Tells the watchers within this process what has been committed, and passes it on to other processes
 * where it has an outlet. One that throws is logged and keeps neither the others from hearing it nor what
 * was committed from having succeeded.
 */
export class EventBus {
  readonly #logger: Logger;
  readonly #eventListeners = new Set<Listener<readonly StoredEvent[]>>();
  readonly #noticeListeners = new Set<Listener<ChangeNotice>>();
  readonly #repeatListeners = new Set<Listener<ChangeNotice>>();
  readonly #movedListeners = new Set<Listener<StreamsMoved>>();
  readonly #transitionListeners = new Set<Listener<JobTransition>>();
  #outlet: BusOutlet | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  publishEvents(events: readonly StoredEvent[]): void {
    if (events.length === 0) return;
    this.#tell(this.#eventListeners, events);
    this.#outlet?.events(events);
  }

  publishNotice(notice: ChangeNotice): void {
    this.#tell(this.#noticeListeners, notice);
    this.#outlet?.notice(notice);
  }

  /** Tells watchers here what another process did. It goes no further. */
  repeatNotice(notice: ChangeNotice): void {
    this.#tell(this.#repeatListeners, notice);
    this.#tell(this.#noticeListeners, notice);
  }

  /** Tells watchers here how far streams came by what other processes did. */
  repeatMoved(moved: StreamsMoved): void {
    this.#tell(this.#movedListeners, moved);
  }

  /** Passes on, from now on and until the returned function is called, what is published here. One at a time. */
  passOnTo(outlet: BusOutlet): () => void {
    this.#outlet = outlet;
    return () => {
      if (this.#outlet === outlet) this.#outlet = undefined;
    };
  }

  /** Tells the hooks, and those who watch lists of jobs. */
  publishTransition(transition: JobTransition): void {
    this.#tell(this.#transitionListeners, transition);
    if (!this.hasEventListeners) return;
    const { id, owner, state } = transition.job;
    this.publishNotice({ topic: "jobs", owner, type: "job.changed", data: { job_id: id, state } });
  }

  onTransition(listener: Listener<JobTransition>): () => void {
    this.#transitionListeners.add(listener);
    return () => void this.#transitionListeners.delete(listener);
  }

  onEvents(listener: Listener<readonly StoredEvent[]>): () => void {
    this.#eventListeners.add(listener);
    return () => void this.#eventListeners.delete(listener);
  }

  /** Whether anybody would hear of an event, here or elsewhere. */
  get hasEventListeners(): boolean {
    return this.#hasOwnListeners || this.#outlet !== undefined;
  }

  /**
   * Announces an event of a stream that is about to be published. False: it need not be put together, since
   * nobody here listens and the others are told to look at all streams of its kind.
   */
  admit(stream: string, owner: string | null): boolean {
    return this.#hasOwnListeners || (this.#outlet?.admit(stream, owner) ?? false);
  }

  /** For tests and figures: what is forgotten here is told of every event for ever. */
  get listenerCount(): number {
    return [
      this.#eventListeners,
      this.#noticeListeners,
      this.#repeatListeners,
      this.#movedListeners,
      this.#transitionListeners,
    ].reduce((count, { size }) => count + size, 0);
  }

  onNotice(listener: Listener<ChangeNotice>): () => void {
    this.#noticeListeners.add(listener);
    return () => void this.#noticeListeners.delete(listener);
  }

  /** Calls back of what other processes did, before all who watch. Nothing is put together for it alone. */
  onRepeated(listener: Listener<ChangeNotice>): () => void {
    this.#repeatListeners.add(listener);
    return () => void this.#repeatListeners.delete(listener);
  }

  onMoved(listener: Listener<StreamsMoved>): () => void {
    this.#movedListeners.add(listener);
    return () => void this.#movedListeners.delete(listener);
  }

  get #hasOwnListeners(): boolean {
    return this.#eventListeners.size > 0 || this.#noticeListeners.size > 0;
  }

  #tell<Value>(listeners: Iterable<Listener<Value>>, value: Value): void {
    for (const listener of listeners) {
      try {
        listener(value);
      } catch (error) {
        this.#logger.error({ err: toError(error) }, "a listener of the queue's events failed");
      }
    }
  }
}
