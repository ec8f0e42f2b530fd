import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import type { System } from "@millrace/contracts";
import { isApiProblem } from "../api/problem.ts";
import { queryKeys } from "../api/query-keys.ts";
import { fetchSession } from "../api/requests.ts";
import type { Session } from "../api/requests.ts";
import { DocumentFeed } from "../documents/document-feed.ts";
import { browserEnvironment } from "../live/environment.ts";
import { hurryWhenReachable } from "../live/reachability.ts";
import { QueryRenewals } from "../live/query-renewals.ts";
import { askWhenSignedOut } from "../live/signed-out.ts";
import { LiveSocket } from "../live/socket.ts";
import { followWorkspace } from "../live/workspace-notices.ts";
import { refusalOf } from "../uploads/check-file.ts";
import { sendFile } from "../uploads/send-file.ts";
import { newKey } from "./new-key.ts";
import { UploadQueue } from "../uploads/upload-queue.ts";

export type Services = {
  readonly queries: QueryClient;
  readonly renewals: QueryRenewals;
  readonly socket: LiveSocket;
  readonly feed: DocumentFeed;
  readonly uploads: UploadQueue;
};

/** Builds what lives as long as the tab. Nothing is connected yet. */
export function createServices(): Services {
  const queries = createQueryClient();
  const renewals = new QueryRenewals(queries);
  const socket = new LiveSocket(browserEnvironment());
  const uploads = new UploadQueue({
    send: sendFile,
    refusalOf: (file) => refusalOf(file, queries.getQueryData<System>(queryKeys.system)),
    onAccepted: () => renewals.renew({ queryKey: queryKeys.collections }),
    newKey,
  });
  uploads.onProblem((_upload, thrown) => endSessionOn401(queries, thrown));
  return { queries, renewals, socket, feed: new DocumentFeed(queries, socket, renewals), uploads };
}

/** Connects the socket and follows the workspace until the returned function is called. */
export function startLive({ queries, renewals, socket, feed }: Services): () => void {
  const release = followWorkspace({ queries, renewals, socket, isFollowed: (id) => feed.isWatching(id) });
  const stopHurrying = hurryWhenReachable(queries, socket);
  const stopAsking = askWhenSignedOut(queries, socket, fetchSession);
  socket.start();
  return () => {
    release();
    stopHurrying();
    stopAsking();
    socket.stop();
  };
}

function endSessionOn401(queries: QueryClient, thrown: unknown): void {
  if (!isApiProblem(thrown) || thrown.status !== 401) return;
  queries.setQueryData<Session>(queryKeys.session, { required: true, signed_in: false });
}

function createQueryClient(): QueryClient {
  const onError = (error: unknown) => endSessionOn401(queries, error);
  const queries: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        gcTime: 300_000,
        // The server says what is final: asking again only helps when it was not reached or is busy.
        retry: (count, error) =>
          count < 2 &&
          isApiProblem(error) &&
          (error.status === 0 || error.status === 429 || error.status >= 500),
        networkMode: "always",
      },
      mutations: { networkMode: "always" },
    },
  });
  return queries;
}
