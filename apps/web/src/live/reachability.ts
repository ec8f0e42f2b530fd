import type { QueryClient } from "@tanstack/react-query";
import { isApiProblem } from "../api/problem.ts";
import type { LiveSocket } from "./socket.ts";

/**
 * Hurries the socket when a request succeeds after the server could not be reached: after a restart
 * pages would otherwise wait for the longest pause between attempts.
 */
export function hurryWhenReachable(queries: QueryClient, socket: LiveSocket): () => void {
  let wasUnreachable = false;
  return queries.getQueryCache().subscribe((event) => {
    if (event.type !== "updated") return;
    const { action } = event;
    if (action.type === "error" || action.type === "failed") {
      if (isApiProblem(action.error) && (action.error.status === 0 || action.error.status >= 502)) {
        wasUnreachable = true;
      }
      return;
    }
    // Data written by hand, as from the socket itself, says nothing of the server.
    if (action.type !== "success" || action.manual === true || !wasUnreachable) return;
    wasUnreachable = false;
    socket.hurry();
  });
}
