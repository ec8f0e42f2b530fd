import { Skeleton } from "@mantine/core";
import IconAlignLeft from "@tabler/icons-react/dist/esm/icons/IconAlignLeft.mjs";
import IconSearch from "@tabler/icons-react/dist/esm/icons/IconSearch.mjs";
import { useState } from "react";
import { PageHeading } from "../parts/page-heading.tsx";
import { LoadMore } from "../parts/load-more.tsx";
import { useAnnouncedPage, usePageTitle } from "../app/page-title.ts";
import { EmptyState } from "../feedback/empty-state.tsx";
import { LoadFailure } from "../feedback/load-failure.tsx";
import { TextFilter } from "../jobs/text-filter.tsx";
import classes from "./summaries-page.module.css";
import { SummaryCard } from "./summary-card.tsx";
import { SummaryForm } from "./summary-form.tsx";
import { useSummaries } from "./use-summaries.ts";

/** Texts that are only to be summarised: paste one, watch it, find the former ones. */
export function SummariesPage() {
  usePageTitle("Summaries");
  useAnnouncedPage("Summaries");
  const [search, setSearch] = useState<string | undefined>();
  const list = useSummaries(search);
  const summaries = list.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <div className={classes.page}>
      <PageHeading>Summaries</PageHeading>
      <SummaryForm />
      <section aria-labelledby="former-summaries" className={classes.former}>
        <div className={classes.head}>
          <h2 id="former-summaries" className={classes.subheading}>
            Your summaries
          </h2>
          <TextFilter
            className={classes.search}
            value={search}
            onChange={setSearch}
            placeholder="Words of a summary or its text"
            aria-label="Find summaries"
            leftSection={<IconSearch size={16} />}
            type="search"
            maxLength={200}
          />
        </div>
        {list.isPending ? (
          <div className={classes.list} aria-label="Loading summaries" role="status">
            <Skeleton height={120} radius={12} />
            <Skeleton height={120} radius={12} />
          </div>
        ) : list.isError && summaries.length === 0 ? (
          <LoadFailure what="The summaries" error={list.error} onRetry={() => void list.refetch()} />
        ) : summaries.length === 0 && search !== undefined ? (
          <EmptyState icon={<IconSearch size={26} />} title="Nothing found">
            No summary has all of these words in its title, in itself or in its text.
          </EmptyState>
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
