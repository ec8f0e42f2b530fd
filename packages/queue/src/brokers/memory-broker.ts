import type { Broker } from "./broker.ts";

type Subscriber = { readonly queues: ReadonlySet<string>; readonly onHint: (queue: string) => void };

/** Hints within one process, to everyone who subscribes: none waits. */
export function createMemoryBroker(): Broker {
  const subscribers = new Set<Subscriber>();
  return {
    announce: ({ queue }) => {
      for (const { queues, onHint } of subscribers) if (queues.has(queue)) onHint(queue);
    },
    subscribe: (queues, onHint) => {
      const subscriber = { queues: new Set(queues), onHint };
      subscribers.add(subscriber);
      return {
        settle: () => undefined,
        receive: () => undefined,
        close: () => void subscribers.delete(subscriber),
      };
    },
    depth: async () => undefined,
    purge: async () => 0,
    status: () => ({ kind: "memory", isHearing: true, isTelling: true }),
  };
}
