import { VisuallyHidden } from "@mantine/core";
import { useSyncExternalStore } from "react";

let current = "";
const listeners = new Set<() => void>();

/** Tells screen readers something once, politely. Use it per stage, not per per cent. */
export function announce(message: string): void {
  current = message;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The place on the page that is read out; there is one, in the shell. */
export function Announcer() {
  const message = useSyncExternalStore(subscribe, () => current);
  return <VisuallyHidden role="status">{message}</VisuallyHidden>;
}
