import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, Skeleton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { getRouteApi, Link } from "@tanstack/react-router";
import IconFiles from "@tabler/icons-react/dist/esm/icons/IconFiles.mjs";
import IconFilterOff from "@tabler/icons-react/dist/esm/icons/IconFilterOff.mjs";
import IconTrash from "@tabler/icons-react/dist/esm/icons/IconTrash.mjs";
import IconFolder from "@tabler/icons-react/dist/esm/icons/IconFolder.mjs";
import IconPlus from "@tabler/icons-react/dist/esm/icons/IconPlus.mjs";
import { useState } from "react";
import { queryKeys } from "../api/query-keys.ts";
import { listDocuments } from "../api/requests.ts";
import { ButtonLink } from "../parts/button-link.tsx";
import { LoadMoreLink } from "../parts/load-more.tsx";
import { EmptyState } from "../feedback/empty-state.tsx";
import { LoadFailure } from "../feedback/load-failure.tsx";
import { formatCount } from "../formatting/numbers.ts";
import { usePollInterval } from "../live/live-context.ts";
import { PageHead } from "../parts/page-head.tsx";
import { ChosenDocuments } from "./chosen-documents.tsx";
import { DocumentRows } from "./document-rows.tsx";
import classes from "./documents-page.module.css";
import { DocumentFilterBar } from "./document-filter-bar.tsx";
import { DocumentsTable } from "./documents-table.tsx";
import { ExportMenu } from "./export-menu.tsx";
import { TrashRows } from "./trash-rows.tsx";

const pageSize = 25;
/** After so many, "load more" opens a page of its own: a change notice refetches every loaded page. */
const maxLoadedPages = 8;

const nothingChosen: ReadonlySet<string> = new Set();

const route = getRouteApi("/documents");

export function DocumentsPage() {
  const { cursor, ...search } = route.useSearch();
  const { q, status, type, tag, collection, view } = search;
  const isTrash = view === "trash";
  const filters = { search: q, status, fileType: type, tag, collection };
  const [chosen, setChosen] = useState<ReadonlySet<string> | "all">(nothingChosen);
  // What was chosen under other filters is not what is seen now.
  const address = JSON.stringify(search);
  const [chosenFor, setChosenFor] = useState(address);
  if (address !== chosenFor) {
    setChosenFor(address);
    setChosen(nothingChosen);
  }
  const pollMs = usePollInterval();
  const list = useInfiniteQuery({
    queryKey: [...queryKeys.documentList(filters, cursor), isTrash],
    queryFn: ({ pageParam, signal }) =>
      listDocuments({ ...filters, isTrash, cursor: pageParam, limit: pageSize }, signal),
    initialPageParam: cursor,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (before) => before,
    refetchInterval: pollMs,
  });
  const documents = list.data?.pages.flatMap((page) => page.data) ?? [];
  const isFiltered = [q, status, type, tag, collection].some((value) => value !== undefined);
  const ids = documents.map(({ id }) => id);
  const isAll = chosen === "all";
  const chosenIds = isAll ? ids : ids.filter((id) => chosen.has(id));
  const choice = {
    chosen: new Set(chosenIds),
    onChoose: (id: string, isChosen: boolean) =>
      setChosen(new Set(isChosen ? [...chosenIds, id] : chosenIds.filter((other) => other !== id))),
  };

  return (
    <>
      <PageHead
        title={isTrash ? "Trash" : "Documents"}
        actions={
          <>
            {isTrash ? null : (
              <ButtonLink to="/collections" variant="default" leftSection={<IconFolder size={17} />}>
                Collections
              </ButtonLink>
            )}
            <ButtonLink
              to="/documents"
              search={{ ...search, view: isTrash ? undefined : "trash" }}
              variant="default"
              leftSection={isTrash ? <IconFiles size={17} /> : <IconTrash size={17} />}
            >
              {isTrash ? "Documents" : "Trash"}
            </ButtonLink>
            {documents.length === 0 || isTrash ? null : <ExportMenu filters={filters} />}
            <ButtonLink to="/" leftSection={<IconPlus size={17} />}>
              Add
            </ButtonLink>
          </>
        }
      />
      <DocumentFilterBar />
      {cursor === undefined ? null : (
        <p className={classes.back}>
          <Link to="/documents" search={search}>
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
          <NoDocuments isFiltered={isFiltered || cursor !== undefined} isTrash={isTrash} />
        ) : (
          <>
            <ChooseShown
              count={ids.length}
              chosenCount={chosenIds.length}
              onChoose={(isChosen) => setChosen(new Set(isChosen ? ids : []))}
            />
            {isTrash ? (
              <TrashRows documents={documents} choice={choice} />
            ) : (
              <DocumentList documents={documents} choice={choice} />
            )}
          </>
        )}
      </div>
      {list.hasNextPage ? (
        <LoadMoreLink
          to="/documents"
          search={{ ...search, cursor: list.data?.pages.at(-1)?.next_cursor ?? undefined }}
          list={list}
          onLoad={
            (list.data?.pages.length ?? 0) < maxLoadedPages ? () => void list.fetchNextPage() : undefined
          }
        />
      ) : null}
      {chosenIds.length === 0 ? null : (
        <ChosenDocuments
          chosen={isAll ? "all" : { ids: chosenIds }}
          filters={filters}
          isTrash={isTrash}
          onChooseAll={
            chosenIds.length === ids.length && (list.hasNextPage || cursor !== undefined)
              ? () => setChosen("all")
              : undefined
          }
          onClear={() => setChosen(nothingChosen)}
        />
      )}
    </>
  );
}

/** Chooses all that is on screen, or nothing. */
function ChooseShown({
  count,
  chosenCount,
  onChoose,
}: {
  count: number;
  chosenCount: number;
  onChoose: (isChosen: boolean) => void;
}) {
  return (
    <label className={classes.choose}>
      <input
        type="checkbox"
        checked={count === chosenCount}
        ref={(box) => {
          if (box !== null) box.indeterminate = chosenCount > 0 && chosenCount < count;
        }}
        onChange={(event) => onChoose(event.currentTarget.checked)}
      />
      Choose all {formatCount(count)} shown
    </label>
  );
}

function DocumentList(props: Parameters<typeof DocumentsTable>[0]) {
  const isNarrow = useMediaQuery("(max-width: 960px)", undefined, { getInitialValueInEffect: false });
  return isNarrow ? (
    <DocumentRows {...props} label="Documents, newest first" />
  ) : (
    <DocumentsTable {...props} />
  );
}

function NoDocuments({ isFiltered, isTrash }: { isFiltered: boolean; isTrash: boolean }) {
  const navigate = route.useNavigate();
  if (isFiltered) {
    return (
      <EmptyState
        icon={<IconFilterOff size={26} />}
        title="Nothing matches these filters"
        action={
          <Button
            variant="default"
            onClick={() => void navigate({ search: isTrash ? { view: "trash" } : {} })}
          >
            Clear filters
          </Button>
        }
      >
        Only titles are looked at here. To find words inside documents, use Search.
      </EmptyState>
    );
  }
  if (isTrash) {
    return (
      <EmptyState icon={<IconTrash size={26} />} title="The trash is empty">
        Deleted documents stay here for a while, and can be restored as they were.
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
