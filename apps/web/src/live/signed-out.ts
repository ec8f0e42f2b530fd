import type { QueryClient } from "@tanstack/react-query";
import { queryKeys } from "../api/query-keys.ts";
import type { Session } from "../api/requests.ts";
import type { LiveSocket } from "./socket.ts";

/**
 * Asks for the session when the socket was refused for want of one. Somebody who is signed in after all, as in
 * another tab, and a server that can't say, get the socket again; else the sign-in page has its turn.
 */
export function askWhenSignedOut(
  queries: QueryClient,
  socket: LiveSocket,
  askSession: (signal: AbortSignal) => Promise<Session>,
): () => void {
  const ask = async (): Promise<void> => {
    const isSignedOut = await queries
      .fetchQuery({
        queryKey: queryKeys.session,
        queryFn: ({ signal }) => askSession(signal),
        staleTime: 0,
        retry: false,
      })
      .then(
        (session) => session.required && !session.signed_in,
        () => false,
      );
    if (!isSignedOut) socket.knockAgain();
  };
  return socket.onStateChange(() => {
    if (socket.state === "signed_out") void ask();
  });
}
