import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, Skeleton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { getRouteApi, Link } from "@tanstack/react-router";
import IconFiles from "@tabler/icons-react/dist/esm/icons/IconFiles.mjs";
import IconFilterOff from "@tabler/icons-react/dist/esm/icons/IconFilterOff.mjs";
import IconPlus from "@tabler/icons-react/dist/esm/icons/IconPlus.mjs";
import { queryKeys } from "../api/query-keys.ts";
import { listDocuments } from "../api/requests.ts";
import { ButtonLink } from "../app/button-link.tsx";
import { LoadMoreLink } from "../app/load-more.tsx";
import { useAnnouncedPage, usePageTitle } from "../app/page-title.ts";
import { EmptyState } from "../feedback/empty-state.tsx";
import { LoadFailure } from "../feedback/load-failure.tsx";
import { usePollInterval } from "../live/live-context.ts";
import { DocumentRows } from "./document-rows.tsx";
import classes from "./documents-page.module.css";
import { DocumentFilterBar } from "./document-filter-bar.tsx";
import { DocumentsTable } from "./documents-table.tsx";
import { ExportMenu } from "./export-menu.tsx";

const pageSize = 25;
/** After so many, "load more" opens a page of its own: a change notice refetches every loaded page. */
const maxLoadedPages = 8;

const route = getRouteApi("/documents");

export function DocumentsPage() {
  usePageTitle("Documents");
  useAnnouncedPage("Documents");
  const { q, status, type, cursor } = route.useSearch();
  const filters = { search: q, status, fileType: type };
  const pollMs = usePollInterval();
  const list = useInfiniteQuery({
    queryKey: queryKeys.documentList(filters, cursor),
    queryFn: ({ pageParam, signal }) =>
      listDocuments({ ...filters, cursor: pageParam, limit: pageSize }, signal),
    initialPageParam: cursor,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (before) => before,
    refetchInterval: pollMs,
  });
  const documents = list.data?.pages.flatMap((page) => page.data) ?? [];
  const isFiltered = q !== undefined || status !== undefined || type !== undefined;

  return (
    <>
      <div className={classes.head}>
        <h1 className={classes.heading}>Documents</h1>
        <div className={classes.actions}>
          {documents.length === 0 ? null : <ExportMenu filters={filters} />}
          <ButtonLink to="/" leftSection={<IconPlus size={17} />}>
            Add
          </ButtonLink>
        </div>
      </div>
      <DocumentFilterBar />
      {cursor === undefined ? null : (
        <p className={classes.back}>
          <Link to="/documents" search={{ q, status, type }}>
            Back to the newest
          </Link>
        </p>
      )}
      <div
        className={classes.results}
        aria-busy={list.isPlaceholderData}
        data-stale={list.isPlaceholderData || undefined}
      >
        {list.isPending ? (
          <ListSkeleton />
        ) : list.isError && documents.length === 0 ? (
          <LoadFailure what="The documents" error={list.error} onRetry={() => void list.refetch()} />
        ) : documents.length === 0 ? (
          <NoDocuments isFiltered={isFiltered || cursor !== undefined} />
        ) : (
          <DocumentList documents={documents} />
        )}
      </div>
      {list.hasNextPage ? (
        <LoadMoreLink
          to="/documents"
          search={{ q, status, type, cursor: list.data?.pages.at(-1)?.next_cursor ?? undefined }}
          isLoading={list.isFetchingNextPage}
          onLoad={
            (list.data?.pages.length ?? 0) < maxLoadedPages ? () => void list.fetchNextPage() : undefined
          }
        />
      ) : null}
    </>
  );
}

function DocumentList({ documents }: { documents: Parameters<typeof DocumentsTable>[0]["documents"] }) {
  const isNarrow = useMediaQuery("(max-width: 960px)", undefined, { getInitialValueInEffect: false });
  return isNarrow ? (
    <DocumentRows documents={documents} label="Documents, newest first" />
  ) : (
    <DocumentsTable documents={documents} />
  );
}

function NoDocuments({ isFiltered }: { isFiltered: boolean }) {
  const navigate = route.useNavigate();
  if (isFiltered) {
    return (
      <EmptyState
        icon={<IconFilterOff size={26} />}
        title="Nothing matches these filters"
        action={
          <Button variant="default" onClick={() => void navigate({ search: {} })}>
            Clear filters
          </Button>
        }
      >
        Only titles are looked at here. To find words inside documents, use Search.
      </EmptyState>
    );
  }
  return (
    <EmptyState
      icon={<IconFiles size={26} />}
      title="No documents yet"
      action={<ButtonLink to="/">Add or try a sample</ButtonLink>}
    >
      Drop files anywhere on this page. Each one is read, indexed and analysed, and stays here.
    </EmptyState>
  );
}

function ListSkeleton() {
  return (
    <div className={classes.skeletons} aria-label="Loading documents" role="status">
      {[0, 1, 2, 3, 4].map((row) => (
        <Skeleton key={row} height={58} radius={12} />
      ))}
    </div>
  );
}
