import { Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import IconDroplet from "@tabler/icons-react/dist/esm/icons/IconDroplet.mjs";
import { queryKeys } from "../api/query-keys.ts";
import { fetchDocumentStats, listDocuments } from "../api/requests.ts";
import { DocumentRows } from "../documents/document-rows.tsx";
import { EmptyState } from "../feedback/empty-state.tsx";
import { LoadFailure } from "../feedback/load-failure.tsx";
import { formatCount } from "../formatting/numbers.ts";
import { usePollInterval } from "../live/live-context.ts";
import { recentOf } from "./recent-order.ts";
import classes from "./recent-documents.module.css";

const shownDocuments = 8;

/** What is being worked on, first, and what came last. */
export function RecentDocuments() {
  const pollMs = usePollInterval();
  const recent = useQuery({
    queryKey: queryKeys.recentDocuments,
    queryFn: async ({ signal }) => {
      // Running work may be older than the newest documents, and is what one looks for here.
      const [newest, processing, waiting] = await Promise.all([
        listDocuments({ limit: shownDocuments }, signal),
        listDocuments({ limit: shownDocuments, status: "processing" }, signal),
        listDocuments({ limit: shownDocuments, status: "uploaded" }, signal),
      ]);
      return recentOf([...processing.data, ...waiting.data, ...newest.data], shownDocuments);
    },
    refetchInterval: pollMs,
  });
  return (
    <section aria-labelledby="recent-heading">
      <div className={classes.head}>
        <h2 id="recent-heading" className={classes.heading}>
          In progress and recent
        </h2>
        <AllLink />
      </div>
      {recent.isPending ? (
        <div className={classes.skeletons} role="status" aria-label="Loading documents">
          <Skeleton height={66} radius={12} />
          <Skeleton height={66} radius={12} />
        </div>
      ) : recent.data === undefined ? (
        <LoadFailure what="The documents" error={recent.error} onRetry={() => void recent.refetch()} />
      ) : recent.data.length === 0 ? (
        <div className={classes.empty}>
          <EmptyState icon={<IconDroplet size={26} />} title="Nothing here yet">
            Add a file, paste a text or try a sample. It shows up here at once, with every step of the work.
          </EmptyState>
        </div>
      ) : (
        <DocumentRows documents={recent.data} label="In progress and recent documents" />
      )}
    </section>
  );
}

function AllLink() {
  const pollMs = usePollInterval();
  const stats = useQuery({
    queryKey: queryKeys.documentStats,
    queryFn: ({ signal }) => fetchDocumentStats(signal),
    refetchInterval: pollMs,
  }).data;
  if (stats === undefined || stats.total === 0) return null;
  return (
    <p className={classes.counts}>
      {stats.processing > 0 ? <span>{formatCount(stats.processing)} in progress</span> : null}
      {stats.failed > 0 ? (
        <Link to="/documents" search={{ status: "failed" }} className={classes.failed}>
          {formatCount(stats.failed)} failed
        </Link>
      ) : null}
      <Link to="/documents">All {formatCount(stats.total)}</Link>
    </p>
  );
}
