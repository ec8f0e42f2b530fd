import { createContext, use, useSyncExternalStore } from "react";
import type { DocumentFeed } from "../documents/document-feed.ts";
import type { QueryRenewals } from "./query-renewals.ts";
import type { LiveSocket, LiveState } from "./socket.ts";

export type Live = {
  readonly socket: LiveSocket;
  readonly feed: DocumentFeed;
  /** Through which all of the tab asks anew, so that no two ask at once. */
  readonly renewals: QueryRenewals;
};

export const LiveContext = createContext<Live | undefined>(undefined);

export function useLive(): Live {
  const live = use(LiveContext);
  if (live === undefined) throw new Error("useLive needs a LiveContext above it");
  return live;
}

export function useLiveState(): LiveState {
  const { socket } = useLive();
  return useSyncExternalStore(
    (listener) => socket.onStateChange(listener),
    () => socket.state,
  );
}

const pollMs = 3000;

/** How often to ask the API: not at all while the socket works. */
export function usePollInterval(): number | false {
  return useLiveState() === "polling" ? pollMs : false;
}
