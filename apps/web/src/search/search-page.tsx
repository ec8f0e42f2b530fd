import type { SearchHit, SearchResult } from "@millrace/contracts";
import { Loader, Skeleton, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import IconSearch from "@tabler/icons-react/dist/esm/icons/IconSearch.mjs";
import IconZoomQuestion from "@tabler/icons-react/dist/esm/icons/IconZoomQuestion.mjs";
import { useState } from "react";
import { queryKeys } from "../api/query-keys.ts";
import { fetchDocumentStats, searchDocuments } from "../api/requests.ts";
import { PageHeading } from "../parts/page-heading.tsx";
import { LoadMore } from "../parts/load-more.tsx";
import { ButtonLink } from "../parts/button-link.tsx";
import { useAnnouncedPage, usePageTitle } from "../app/page-title.ts";
import { EmptyState } from "../feedback/empty-state.tsx";
import { focusOnMount } from "../feedback/focus-on-mount.ts";
import { LoadFailure } from "../feedback/load-failure.tsx";
import { countOf } from "../formatting/numbers.ts";
import { groupHits } from "./group-hits.ts";
import { SearchFilterBar } from "./search-filter-bar.tsx";
import { filterParameters, isNarrowed, readSearchFilters } from "./search-filters.ts";
import type { SearchFilters } from "./search-filters.ts";
import { SearchHitCard } from "./search-hit-card.tsx";
import classes from "./search-page.module.css";
import { SpaceNotice } from "./space-notice.tsx";

const indexingRefetchMs = 5000;

const route = getRouteApi("/search");

export function SearchPage() {
  const { q = "", ...rest } = route.useSearch();
  usePageTitle(q === "" ? "Search" : `${q} · Search`);
  useAnnouncedPage("Search");
  return (
    <>
      <PageHeading>Search</PageHeading>
      <SearchBox query={q} />
      {q === "" ? null : <SearchFilterBar />}
      <SpaceNotice />
      {q === "" ? <NoQuery /> : <Results query={q} filters={readSearchFilters(rest)} />}
    </>
  );
}

function SearchBox({ query }: { query: string }) {
  const navigate = route.useNavigate();
  const [text, setText] = useState(query);
  // The address may change without this box: back, forward, a link.
  const [shownFor, setShownFor] = useState(query);
  if (query !== shownFor) {
    setShownFor(query);
    if (text.trim() !== query) setText(query);
  }
  const open = (next: string) =>
    void navigate({ search: (before) => (next === "" ? {} : { ...before, q: next }), replace: true });
  const openSoon = useDebouncedCallback((next: string) => open(next.trim()), 250);
  return (
    <form
      role="search"
      aria-label="In all documents"
      className={classes.box}
      onSubmit={(event) => {
        event.preventDefault();
        open(text.trim());
      }}
    >
      <TextInput
        id="search-query"
        type="search"
        size="md"
        aria-label="Search in documents"
        placeholder="Words, a question, “a phrase”, -without, title:…"
        ref={query === "" ? focusOnMount : null}
        maxLength={1000}
        leftSection={<IconSearch size={18} aria-hidden="true" />}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          openSoon(event.currentTarget.value);
        }}
      />
    </form>
  );
}

function Results({ query, filters }: { query: string; filters: SearchFilters }) {
  const parameters = filterParameters(filters);
  const search = useInfiniteQuery({
    queryKey: queryKeys.search(query, parameters),
    queryFn: ({ signal, pageParam }) => searchDocuments(query, { parameters, cursor: pageParam, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    // What is being indexed now may hold what is looked for.
    refetchInterval: ({ state }) =>
      (state.data?.pages[0]?.still_indexing ?? 0) > 0 ? indexingRefetchMs : false,
  });
  if (search.isPending) {
    return (
      <div className={classes.hits} role="status" aria-label="Searching">
        <Skeleton height={112} radius={12} />
        <Skeleton height={112} radius={12} />
      </div>
    );
  }
  const first = search.data?.pages[0];
  if (search.data === undefined || first === undefined) {
    return <LoadFailure what="Results" error={search.error} onRetry={() => void search.refetch()} />;
  }
  const hits = search.data.pages.flatMap((page) => page.data);
  const bestScore = Math.max(...hits.map((hit) => hit.score));
  return (
    <div
      aria-busy={search.isPlaceholderData}
      data-stale={search.isPlaceholderData || undefined}
      className={classes.results}
    >
      <p className={classes.summary} role="status">
        {summaryOf(hits, first, search.hasNextPage)}
        {search.isPlaceholderData ? <Loader size={13} aria-label="Searching" /> : null}
      </p>
      {first.still_indexing > 0 ? (
        <p className={classes.indexing}>
          {countOf(first.still_indexing, "document")} still indexing: more may be found soon.
        </p>
      ) : null}
      {isWithoutModel(first) ? (
        <p className={classes.indexing}>
          The embedding model does not answer ({first.vectors.reason}): found by words alone.
        </p>
      ) : null}
      {first.no_good_match && hits.length > 0 ? (
        <p className={classes.weak}>
          <strong>No good match.</strong> No passage holds half of these words, nor is one near in meaning.
          These are the nearest.
        </p>
      ) : null}
      {hits.length === 0 ? (
        <NoHit query={query} isNarrowed={isNarrowed(filters)} />
      ) : (
        <ol className={classes.hits}>
          {groupHits(hits).map((group) => (
            <SearchHitCard key={group.best.document_id} group={group} bestScore={bestScore} />
          ))}
        </ol>
      )}
      <LoadMore list={search} />
    </div>
  );
}

function summaryOf(hits: readonly SearchHit[], first: SearchResult, hasMore: boolean): string {
  const documents = new Set(hits.map((hit) => hit.document_id)).size;
  const found = `${countOf(hits.length, "passage")}${hasMore ? " and more" : ""} in ${countOf(documents, "document")}`;
  return `${hits.length === 0 ? "No passages" : found} · ${Math.max(1, Math.round(first.took_ms))} ms`;
}

/** Nothing embedded yet is no failure: the vectors come with the documents. */
function isWithoutModel({ vectors: { method, reason } }: SearchResult): boolean {
  return method === "none" && reason !== null && reason !== "not_embedded" && reason !== "no_words";
}

function NoHit({ query, isNarrowed: isFiltered }: { query: string; isNarrowed: boolean }) {
  return (
    <EmptyState
      icon={<IconZoomQuestion size={26} />}
      title={`Nothing found for “${query}”`}
      action={
        <ButtonLink to="/documents" search={{ q: query }} variant="default">
          Look in titles
        </ButtonLink>
      }
    >
      {isFiltered
        ? "No passage of the documents that the filters leave holds any of these words. Clear the filters, or try other words."
        : "No passage holds any of these words. Try others that may stand in the text."}
    </EmptyState>
  );
}

function NoQuery() {
  const stats = useQuery({
    queryKey: queryKeys.documentStats,
    queryFn: ({ signal }) => fetchDocumentStats(signal),
  }).data;
  if (stats?.total === 0) {
    return (
      <EmptyState
        icon={<IconSearch size={26} />}
        title="There is nothing to search yet"
        action={<ButtonLink to="/">Add or try a sample</ButtonLink>}
      >
        Documents can be searched as soon as their text has been read, before the analysis is done.
      </EmptyState>
    );
  }
  return (
    <EmptyState icon={<IconSearch size={26} />} title="Search inside your documents">
      Each hit is a passage and opens the text at its place. Words in “quotes” must stand together, -words are
      left out, and title:report looks only in documents called so.
    </EmptyState>
  );
}
