import { sleep } from "@millrace/kernel";

/** The time in which a process still answers and already says that it is not ready. */
export type Drain = {
  readonly isDraining: () => boolean;
  /** Resolves when the time is over. The same time for all who ask. */
  readonly begin: () => Promise<void>;
  /** Ends it now. */
  readonly cutShort: () => void;
};

/** A drain of so many milliseconds, not yet begun. */
export function createDrain(ms: number): Drain {
  const cut = new AbortController();
  let draining: Promise<void> | undefined;
  return {
    isDraining: () => draining !== undefined,
    begin: () => (draining ??= ms === 0 ? Promise.resolve() : sleep(ms, cut.signal).catch(() => undefined)),
    cutShort: () => cut.abort(),
  };
}
