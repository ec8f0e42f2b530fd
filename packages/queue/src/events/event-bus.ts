import { toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import type { ChangeNotice, JobTransition, StoredEvent } from "./event.ts";

type Listener<Value> = (value: Value) => void;

/**
 * Tells the watchers within this process what has been committed. One that throws is logged and keeps
 * neither the others from hearing it nor what was committed from having succeeded.
 */
export class EventBus {
  readonly #logger: Logger;
  readonly #eventListeners = new Set<Listener<readonly StoredEvent[]>>();
  readonly #noticeListeners = new Set<Listener<ChangeNotice>>();
  readonly #transitionListeners = new Set<Listener<JobTransition>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  publishEvents(events: readonly StoredEvent[]): void {
    if (events.length === 0) return;
    this.#tell(this.#eventListeners, events);
  }

  publishNotice(notice: ChangeNotice): void {
    this.#tell(this.#noticeListeners, notice);
  }

  /** Tells the hooks, and those who watch lists of jobs. */
  publishTransition(transition: JobTransition): void {
    this.#tell(this.#transitionListeners, transition);
    if (this.#noticeListeners.size === 0) return;
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

  /** Whether anybody would hear of an event, so that it is worth putting together. */
  get hasEventListeners(): boolean {
    return this.#eventListeners.size > 0 || this.#noticeListeners.size > 0;
  }

  /** For tests and figures: what is forgotten here is told of every event for ever. */
  get listenerCount(): number {
    return this.#eventListeners.size + this.#noticeListeners.size + this.#transitionListeners.size;
  }

  onNotice(listener: Listener<ChangeNotice>): () => void {
    this.#noticeListeners.add(listener);
    return () => void this.#noticeListeners.delete(listener);
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
