import type { RelayPort, RelayToChild, RelayToParent } from "../src/index.ts";

type Ports = {
  readonly parent: RelayPort<RelayToChild, RelayToParent>;
  readonly child: RelayPort<RelayToParent, RelayToChild>;
};

/** Both ends of a relay in this process. Messages are copied, as between processes. */
export function portPair(): Ports {
  const atParent: ((message: RelayToParent) => void)[] = [];
  const atChild: ((message: RelayToChild) => void)[] = [];
  return {
    parent: {
      send: (message) => deliver(message, atChild),
      onMessage: (listener) => void atParent.push(listener),
    },
    child: {
      send: (message) => deliver(message, atParent),
      onMessage: (listener) => void atChild.push(listener),
    },
  };
}

function deliver<Message>(message: Message, listeners: readonly ((message: Message) => void)[]): void {
  const copy = structuredClone(message);
  setImmediate(() => {
    for (const listener of listeners) listener(copy);
  });
}
