import { useSyncExternalStore } from "react";

/** One timer for all who watch, running only while somebody does. */
function createClock(stepMs: number) {
  const listeners = new Set<() => void>();
  let timer: number | undefined;
  let now = Date.now();

  function tick() {
    now = Date.now();
    for (const listener of listeners) listener();
  }

  return {
    read: () => now,
    subscribe: (listener: () => void): (() => void) => {
      listeners.add(listener);
      timer ??= window.setInterval(tick, stepMs);
      // A tab that slept shows old distances until the next step otherwise.
      if (Date.now() - now > stepMs) queueMicrotask(tick);
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        window.clearInterval(timer);
        timer = undefined;
      };
    },
  };
}

const tenSeconds = createClock(10_000);
const oneSecond = createClock(1000);

/** The time in milliseconds, renewed every ten seconds by one timer for the whole page. */
export function useNow(): number {
  return useSyncExternalStore(tenSeconds.subscribe, tenSeconds.read);
}

/** The time in milliseconds, renewed every second: for what runs just now. */
export function useSeconds(): number {
  return useSyncExternalStore(oneSecond.subscribe, oneSecond.read);
}
