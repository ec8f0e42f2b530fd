import type { QueryClient } from "@tanstack/react-query";
import { queryKeys } from "../api/query-keys.ts";
import { askKeys } from "../ask/ask-keys.ts";
import type { DocumentView } from "../documents/document-view.ts";
import { isSettled } from "../documents/statuses.ts";
import { summaryKeys } from "../summaries/summary-keys.ts";
import { Gathered } from "./gathered.ts";
import type { QueryRenewals } from "./query-renewals.ts";
import type { LiveSocket } from "./socket.ts";
import type { TopicEvent } from "./watched-topic.ts";

/** Many documents changing at once must not mean as many list requests. */
const gatherMs = 400;
/** A document that is followed by itself moves on screen already: its list can wait. */
const gatherFollowedMs = 4000;

/** Lists of what changes no document. */
const lists = [
  ["summary", summaryKeys.list],
  ["ask", askKeys.list],
] as const;

export type WorkspaceOptions = {
  readonly queries: QueryClient;
  readonly renewals: QueryRenewals;
  readonly socket: LiveSocket;
  readonly isFollowed: (documentId: string) => boolean;
};

/** Refetches lists and counts that are on screen when the workspace says that something changed. */
export function followWorkspace({ queries, renewals, socket, isFollowed }: WorkspaceOptions): () => void {
  const changed = new Set<string>();
  const refetch = new Gathered(() => {
    renewals.renew({ queryKey: queryKeys.collections });
    for (const id of changed) {
      if (isAtRest(queries, id)) renewals.renew({ queryKey: queryKeys.document(id) });
    }
    changed.clear();
  });
  const listTimers = new Map<string, ReturnType<typeof setTimeout>>();
  const refetchList = (domain: string, queryKey: readonly string[]) => {
    if (listTimers.has(domain)) return;
    const listTimer = setTimeout(() => {
      listTimers.delete(domain);
      renewals.renew({ queryKey });
    }, gatherMs);
    listTimers.set(domain, listTimer);
  };
  const release = socket.subscribe("workspace", {
    onSnapshot: () => undefined,
    onEvents: (all) => {
      // `workspace.changed`: of more things than could be told. A crew at work writes all the time, and no document changes by it.
      const events = all.filter(({ type }) => !/^(crew_run|summary|ask)\./.test(type));
      for (const [domain, queryKey] of lists)
        if (all.some(({ type }) => type.startsWith(`${domain}.`) || type === "workspace.changed"))
          refetchList(domain, queryKey);
      if (events.length === 0) return;
      const ids = events.map(documentOf);
      for (const id of ids) if (id !== undefined) changed.add(id);
      refetch.within(ids.every((id) => id !== undefined && isFollowed(id)) ? gatherFollowedMs : gatherMs);
    },
  });
  let before = socket.state;
  const stopWatching = socket.onStateChange(() => {
    // What changed while the socket was away was not announced. The first connection is no return.
    if (socket.state === "live" && before !== "connecting") {
      refetch.within(gatherMs);
      for (const [domain, queryKey] of lists) refetchList(domain, queryKey);
    }
    before = socket.state;
  });
  return () => {
    refetch.stop();
    for (const listTimer of listTimers.values()) clearTimeout(listTimer);
    stopWatching();
    release();
  };
}

function documentOf({ data }: TopicEvent): string | undefined {
  return typeof data.document_id === "string" ? data.document_id : undefined;
}

/**
 * Whether the page of a document, which was renamed or deleted elsewhere, is to be renewed. While work goes
 * on its own events are newer than any request.
 */
function isAtRest(queries: QueryClient, id: string): boolean {
  const view = queries.getQueryData<DocumentView>(queryKeys.document(id));
  return view !== undefined && isSettled(view.document);
}
