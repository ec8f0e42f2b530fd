import type { ChangeNotice, StoredEvent } from "./event.ts";

type Listener<Value> = (value: Value) => void;

/** Tells the watchers within this process what has been committed. */
export class EventBus {
  readonly #eventListeners = new Set<Listener<readonly StoredEvent[]>>();
  readonly #noticeListeners = new Set<Listener<ChangeNotice>>();

  publishEvents(events: readonly StoredEvent[]): void {
    if (events.length === 0) return;
    for (const listener of this.#eventListeners) listener(events);
  }

  publishNotice(notice: ChangeNotice): void {
    for (const listener of this.#noticeListeners) listener(notice);
  }

  onEvents(listener: Listener<readonly StoredEvent[]>): () => void {
    this.#eventListeners.add(listener);
    return () => void this.#eventListeners.delete(listener);
  }

  /** For tests and figures: what is forgotten here is told of every event for ever. */
  get listenerCount(): number {
    return this.#eventListeners.size + this.#noticeListeners.size;
  }

  onNotice(listener: Listener<ChangeNotice>): () => void {
    this.#noticeListeners.add(listener);
    return () => void this.#noticeListeners.delete(listener);
  }
}
