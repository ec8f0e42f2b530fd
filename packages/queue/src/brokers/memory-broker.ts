import type { Broker } from "./broker.ts";

type Subscription = { readonly queues: ReadonlySet<string>; readonly onHint: (queue: string) => void };

/** Hints within one process. */
export function createMemoryBroker(): Broker {
  const subscriptions = new Set<Subscription>();
  return {
    announce: (queue) => {
      for (const { queues, onHint } of subscriptions) if (queues.has(queue)) onHint(queue);
    },
    subscribe: (queues, onHint) => {
      const subscription = { queues: new Set(queues), onHint };
      subscriptions.add(subscription);
      return () => void subscriptions.delete(subscription);
    },
  };
}
