import { Skeleton } from "@mantine/core";
import IconAlignLeft from "@tabler/icons-react/dist/esm/icons/IconAlignLeft.mjs";
import { LoadMore } from "../app/load-more.tsx";
import { useAnnouncedPage, usePageTitle } from "../app/page-title.ts";
import { EmptyState } from "../feedback/empty-state.tsx";
import { LoadFailure } from "../feedback/load-failure.tsx";
import classes from "./summaries-page.module.css";
import { SummaryCard } from "./summary-card.tsx";
import { SummaryForm } from "./summary-form.tsx";
import { useSummaries } from "./use-summaries.ts";

/** Texts that are only to be summarised: paste one, watch it, find the former ones. */
export function SummariesPage() {
  usePageTitle("Summaries");
  useAnnouncedPage("Summaries");
  const list = useSummaries();
  const summaries = list.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <div className={classes.page}>
      <h1 className={classes.heading}>Summaries</h1>
      <SummaryForm />
      <section aria-labelledby="former-summaries" className={classes.former}>
        <h2 id="former-summaries" className={classes.subheading}>
          Your summaries
        </h2>
        {list.isPending ? (
          <div className={classes.list} aria-label="Loading summaries" role="status">
            <Skeleton height={120} radius={12} />
            <Skeleton height={120} radius={12} />
          </div>
        ) : list.isError && summaries.length === 0 ? (
          <LoadFailure what="The summaries" error={list.error} onRetry={() => void list.refetch()} />
        ) : summaries.length === 0 ? (
          <EmptyState icon={<IconAlignLeft size={26} />} title="No summaries yet">
            Paste a text above. Its summary stays here, also when you close this page.
          </EmptyState>
        ) : (
          <ul className={classes.list}>
            {summaries.map((summary) => (
              <SummaryCard key={summary.id} summary={summary} />
            ))}
          </ul>
        )}
        <LoadMore list={list} />
      </section>
    </div>
  );
}
