import type { QueryClient } from "@tanstack/react-query";
import { queryKeys } from "../api/query-keys.ts";
import type { LiveSocket } from "./socket.ts";

/** Many documents changing at once must not mean as many list requests. */
const gatherMs = 400;

/** Refetches lists and counts that are on screen when the workspace says that something changed. */
export function followWorkspace(queries: QueryClient, socket: LiveSocket): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const refetch = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void queries.invalidateQueries({ queryKey: queryKeys.collections });
    }, gatherMs);
  };
  const release = socket.subscribe("workspace", { onSnapshot: () => undefined, onEvents: refetch });
  let before = socket.state;
  const stopWatching = socket.onStateChange(() => {
    // What changed while the socket was away was not announced. The first connection is no return.
    if (socket.state === "live" && before !== "connecting") refetch();
    before = socket.state;
  });
  return () => {
    clearTimeout(timer);
    stopWatching();
    release();
  };
}
