import type { QueryCacheNotifyEvent, QueryClient, QueryFilters } from "@tanstack/react-query";

/**
 * Asks anew for what others changed, one request at a time for each answer: what is under way is left to
 * end, and asked for once more after it. If each notice began the request anew, then with a notice every
 * half second an answer that takes longer would never arrive, nor would a further page of a list; if a
 * notice were left out instead, the last change would never be seen.
 */
export class QueryRenewals {
  readonly #queries: QueryClient;
  readonly #unsubscribe: () => void;
  /** Hashes of the keys of what changed while its request was under way. */
  readonly #late = new Set<string>();

  constructor(queries: QueryClient) {
    this.#queries = queries;
    this.#unsubscribe = queries.getQueryCache().subscribe((event) => this.#see(event));
  }

  /** Makes the answers old; those on screen are asked for. */
  renew(filters: QueryFilters): void {
    const idle = new Set<string>();
    for (const { queryHash, state } of this.#queries.getQueryCache().findAll(filters)) {
      (state.fetchStatus === "idle" ? idle : this.#late).add(queryHash);
    }
    if (idle.size === 0) return;
    void this.#queries.invalidateQueries(
      { predicate: ({ queryHash }) => idle.has(queryHash) },
      // Between looking and asking nothing begins; if it ever did, it would be as new.
      { cancelRefetch: false },
    );
  }

  stop(): void {
    this.#unsubscribe();
    this.#late.clear();
  }

  #see(event: QueryCacheNotifyEvent): void {
    const { queryHash, state } = event.query;
    // A further page takes the place of the request that renews the list: that one is still owed.
    if (isFurtherPage(event) && state.isInvalidated) this.#late.add(queryHash);
    if (!this.#late.has(queryHash)) return;
    if (event.type === "removed") this.#late.delete(queryHash);
    else if (state.fetchStatus === "idle") {
      this.#late.delete(queryHash);
      // Not within the news of the end itself, which others have still to hear.
      queueMicrotask(() => this.renew({ predicate: (query) => query.queryHash === queryHash }));
    }
  }
}

function isFurtherPage(event: QueryCacheNotifyEvent): boolean {
  return (
    event.type === "updated" && event.action.type === "fetch" && event.action.meta?.fetchMore !== undefined
  );
}
