import type { SearchResult } from "@millrace/contracts";
import { Loader, Skeleton, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import IconSearch from "@tabler/icons-react/dist/esm/icons/IconSearch.mjs";
import IconZoomQuestion from "@tabler/icons-react/dist/esm/icons/IconZoomQuestion.mjs";
import { useState } from "react";
import { queryKeys } from "../api/query-keys.ts";
import { fetchDocumentStats, searchDocuments } from "../api/requests.ts";
import { ButtonLink } from "../app/button-link.tsx";
import { useAnnouncedPage, usePageTitle } from "../app/page-title.ts";
import { EmptyState } from "../feedback/empty-state.tsx";
import { focusOnMount } from "../feedback/focus-on-mount.ts";
import { LoadFailure } from "../feedback/load-failure.tsx";
import { countOf } from "../formatting/numbers.ts";
import { groupHits } from "./group-hits.ts";
import { SearchHitCard } from "./search-hit-card.tsx";
import classes from "./search-page.module.css";

const indexingRefetchMs = 5000;

const route = getRouteApi("/search");

export function SearchPage() {
  const { q = "" } = route.useSearch();
  usePageTitle(q === "" ? "Search" : `${q} · Search`);
  useAnnouncedPage("Search");
  return (
    <>
      <h1 className={classes.heading}>Search</h1>
      <SearchBox query={q} />
      {q === "" ? <NoQuery /> : <Results query={q} />}
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
  const open = (next: string) => void navigate({ search: next === "" ? {} : { q: next }, replace: true });
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
        placeholder="Words, a question, “a phrase”"
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

function Results({ query }: { query: string }) {
  const search = useQuery({
    queryKey: queryKeys.search(query),
    queryFn: ({ signal }) => searchDocuments(query, signal),
    placeholderData: (before) => before,
    // What is being indexed now may hold what is looked for.
    refetchInterval: ({ state }) => ((state.data?.still_indexing ?? 0) > 0 ? indexingRefetchMs : false),
  });
  if (search.isPending) {
    return (
      <div className={classes.hits} role="status" aria-label="Searching">
        <Skeleton height={112} radius={12} />
        <Skeleton height={112} radius={12} />
      </div>
    );
  }
  if (search.data === undefined) {
    return <LoadFailure what="Results" error={search.error} onRetry={() => void search.refetch()} />;
  }
  const { data } = search;
  const bestScore = Math.max(...data.data.map((hit) => hit.score));
  return (
    <div
      aria-busy={search.isPlaceholderData}
      data-stale={search.isPlaceholderData || undefined}
      className={classes.results}
    >
      <p className={classes.summary} role="status">
        {summaryOf(data)}
        {search.isPlaceholderData ? <Loader size={13} aria-label="Searching" /> : null}
      </p>
      {data.still_indexing > 0 ? (
        <p className={classes.indexing}>
          {countOf(data.still_indexing, "document")} still indexing: more may be found soon.
        </p>
      ) : null}
      {data.data.length === 0 ? (
        <NoHit query={query} />
      ) : (
        <ol className={classes.hits}>
          {groupHits(data.data).map((group) => (
            <SearchHitCard key={group.best.document_id} group={group} bestScore={bestScore} />
          ))}
        </ol>
      )}
    </div>
  );
}

function summaryOf(result: SearchResult): string {
  const documents = new Set(result.data.map((hit) => hit.document_id)).size;
  const found = `${countOf(result.data.length, "passage")} in ${countOf(documents, "document")}`;
  return `${result.data.length === 0 ? "No passages" : found} · ${Math.max(1, Math.round(result.took_ms))} ms`;
}

function NoHit({ query }: { query: string }) {
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
      No passage holds any of these words. Try others that may stand in the text.
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
      Each hit is a passage and opens the text at its place. Passages with all words, or with the “phrase in
      quotes”, come first.
    </EmptyState>
  );
}
