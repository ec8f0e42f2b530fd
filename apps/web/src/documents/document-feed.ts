import type { DocumentSnapshot, LogLine } from "@millrace/contracts";
import type { QueryClient } from "@tanstack/react-query";
import { queryKeys } from "../api/query-keys.ts";
import { fetchAnalysis } from "../api/requests.ts";
import type { QueryRenewals } from "../live/query-renewals.ts";
import type { LiveSocket } from "../live/socket.ts";
import type { TopicEvent } from "../live/watched-topic.ts";
import { applyDocumentEvents } from "./document-events.ts";
import { viewFromSnapshot } from "./document-view.ts";
import type { DocumentView } from "./document-view.ts";

/** Pages of many running documents follow the first so many live and the rest by change notices. */
const maxWatched = 20;
/** Lines kept from events; older ones are at the API. */
const maxLiveLines = 500;

/** Writes what the socket says of watched documents into the Query cache. */
export class DocumentFeed {
  readonly #queries: QueryClient;
  readonly #socket: LiveSocket;
  readonly #renewals: QueryRenewals;
  readonly #watched = new Map<string, { watchers: number; readonly release: () => void }>();

  constructor(queries: QueryClient, socket: LiveSocket, renewals: QueryRenewals) {
    this.#queries = queries;
    this.#socket = socket;
    this.#renewals = renewals;
  }

  /** Follows a document until the returned function is called; watchers of the same one share. */
  watch(documentId: string): () => void {
    const watched = this.#watched.get(documentId);
    if (watched !== undefined) watched.watchers += 1;
    else if (this.#watched.size >= maxWatched) return () => undefined;
    else this.#watched.set(documentId, { watchers: 1, release: this.#subscribe(documentId) });
    return () => this.#unwatch(documentId);
  }

  isWatching(documentId: string): boolean {
    return this.#watched.has(documentId);
  }

  #unwatch(documentId: string): void {
    const watched = this.#watched.get(documentId);
    if (watched === undefined) return;
    watched.watchers -= 1;
    if (watched.watchers > 0) return;
    this.#watched.delete(documentId);
    watched.release();
  }

  #subscribe(documentId: string): () => void {
    return this.#socket.subscribe(`document:${documentId}`, {
      onSnapshot: ({ seq, data }) => {
        if (!isDocumentSnapshot(data)) return;
        const queryKey = queryKeys.document(documentId);
        this.#queries.setQueryData(queryKey, viewFromSnapshot(data, seq));
        // An answer that is under way may be older than the snapshot, and would take its place for good: what
        // happened between the two is told by no event. So it is left and asked for anew.
        if (this.#queries.isFetching({ queryKey, exact: true }) > 0) {
          void this.#queries.invalidateQueries({ queryKey, exact: true });
        }
        void this.#queries.invalidateQueries({ queryKey: queryKeys.documentLog(documentId) });
      },
      onEvents: (events) => this.#apply(documentId, events),
      // The answer of the API says on the page what became of it.
      onRefused: () => void this.#queries.invalidateQueries({ queryKey: queryKeys.document(documentId) }),
    });
  }

  #apply(documentId: string, events: readonly TopicEvent[]): void {
    const key = queryKeys.document(documentId);
    const view = this.#queries.getQueryData<DocumentView>(key);
    if (view === undefined) return;
    const outcome = applyDocumentEvents(view, events);
    this.#queries.setQueryData(key, outcome.view);
    this.#appendLog(documentId, outcome.logLines);
    if (outcome.needsRefetch) {
      void this.#queries.invalidateQueries({ queryKey: key });
      void this.#queries.invalidateQueries({ queryKey: queryKeys.documentLog(documentId) });
      this.#renewals.renew({ queryKey: queryKeys.collections });
    } else if (outcome.needsAnalysis) void this.#refreshAnalysis(documentId);
  }

  #appendLog(documentId: string, lines: readonly LogLine[]): void {
    if (lines.length === 0) return;
    this.#queries.setQueryData<readonly LogLine[]>(queryKeys.documentLiveLog(documentId), (known) =>
      [...(known ?? []), ...lines].slice(-maxLiveLines),
    );
  }

  /** Only the analysis: a whole refetch could bring progress that is older than the last event. */
  async #refreshAnalysis(documentId: string): Promise<void> {
    try {
      const analysis = await fetchAnalysis(documentId);
      this.#queries.setQueryData<DocumentView>(queryKeys.document(documentId), (view) =>
        view === undefined ? undefined : { ...view, analysis },
      );
    } catch {
      // The next event, or the refetch when the work ends, brings it.
    }
  }
}

function isDocumentSnapshot(value: unknown): value is DocumentSnapshot {
  return typeof value === "object" && value !== null && "document" in value && "analysis" in value;
}
