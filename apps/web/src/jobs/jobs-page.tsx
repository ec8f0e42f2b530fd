import { Button } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import IconArrowUp from "@tabler/icons-react/dist/esm/icons/IconArrowUp.mjs";
import IconFilterOff from "@tabler/icons-react/dist/esm/icons/IconFilterOff.mjs";
import IconListDetails from "@tabler/icons-react/dist/esm/icons/IconListDetails.mjs";
import IconPlayerPlay from "@tabler/icons-react/dist/esm/icons/IconPlayerPlay.mjs";
import { useState } from "react";
import { ButtonLink } from "../parts/button-link.tsx";
import { LoadMoreLink } from "../parts/load-more.tsx";
import { EmptyState } from "../feedback/empty-state.tsx";
import { LoadFailure } from "../feedback/load-failure.tsx";
import { showProblem } from "../feedback/toasts.ts";
import { formatCount } from "../formatting/numbers.ts";
import { PageHead } from "../parts/page-head.tsx";
import { LoadingRows } from "../parts/states.tsx";
import { AllMatching } from "./all-matching.tsx";
import { ChosenJobs } from "./chosen-jobs.tsx";
import { JobFilterBar } from "./job-filter-bar.tsx";
import type { JobFilters } from "./job-requests.ts";
import classes from "./jobs-page.module.css";
import { JobsTable } from "./jobs-table.tsx";
import type { ListedJob } from "./listed-jobs.ts";
import { RunTaskDialog } from "./run-task-dialog.tsx";
import { useJobList } from "./use-job-list.ts";

const route = getRouteApi("/monitor/jobs");

/** Beyond so many nobody counts any more, and the request that counts asks for no more either. */
const maxNewShown = 50;

export function JobsPage() {
  const { cursor, ...filters } = route.useSearch();
  const [isRunning, setIsRunning] = useState(false);
  // Another filter is another list: what was chosen of the former is not in sight any more.
  const listName = JSON.stringify([filters, cursor]);
  return (
    <>
      <PageHead
        title="Jobs"
        actions={
          <>
            <AllMatching filters={filters} />
            <Button leftSection={<IconPlayerPlay size={17} />} onClick={() => setIsRunning(true)}>
              Run a task
            </Button>
          </>
        }
      />
      <JobFilterBar />
      {cursor === undefined ? null : (
        <p className={classes.back}>
          <Link to="/monitor/jobs" search={filters}>
            Back to the newest
          </Link>
        </p>
      )}
      <JobList key={listName} filters={filters} cursor={cursor} onRun={() => setIsRunning(true)} />
      <RunTaskDialog isOpen={isRunning} onClose={() => setIsRunning(false)} task={filters.task} />
    </>
  );
}

function JobList({
  filters,
  cursor,
  onRun,
}: {
  filters: JobFilters;
  cursor: string | undefined;
  onRun: () => void;
}) {
  const list = useJobList(filters, cursor);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { base, rows } = list;
  const choose = (ids: readonly string[], isChosen: boolean) =>
    setChosen((before) => {
      const next = new Set(before);
      for (const id of ids) {
        if (isChosen) next.add(id);
        else next.delete(id);
      }
      return next;
    });
  const showNewest = () => {
    list.showNewest().catch((error: unknown) => showProblem("Not loaded", error));
    window.scrollTo({ top: 0 });
  };
  if (base.isPending) return <LoadingRows what="The jobs" />;
  if (base.isError && rows.length === 0) {
    return <LoadFailure what="The jobs" error={base.error} onRetry={() => void base.refetch()} />;
  }
  if (rows.length === 0) return <NoJobs filters={filters} cursor={cursor} onRun={onRun} />;
  const jobs = rows.map(({ job }) => job);
  return (
    <>
      <div className={classes.tools}>
        <ChooseAll rows={rows} chosen={chosen} onChoose={choose} />
        <NewJobs count={list.newCount} onShow={showNewest} />
      </div>
      <JobsTable rows={rows} chosen={chosen} onChoose={(id, isChosen) => choose([id], isChosen)} />
      <ChosenJobs jobs={jobs.filter(({ id }) => chosen.has(id))} onClear={() => setChosen(new Set())} />
      {base.hasNextPage ? (
        <LoadMoreLink
          to="/monitor/jobs"
          search={{ ...filters, cursor: list.nextCursor }}
          list={base}
          onLoad={list.canLoadMore ? () => void base.fetchNextPage() : undefined}
        />
      ) : null}
    </>
  );
}

function ChooseAll({
  rows,
  chosen,
  onChoose,
}: {
  rows: readonly ListedJob[];
  chosen: ReadonlySet<string>;
  onChoose: (ids: readonly string[], isChosen: boolean) => void;
}) {
  const ids = rows.map(({ job }) => job.id);
  const isAll = ids.every((id) => chosen.has(id));
  return (
    <label className={classes.all}>
      <input
        type="checkbox"
        className={classes.box}
        checked={isAll}
        ref={(box) => {
          if (box !== null) box.indeterminate = !isAll && ids.some((id) => chosen.has(id));
        }}
        onChange={(event) => onChoose(ids, event.currentTarget.checked)}
      />
      Choose all {formatCount(ids.length)} shown
    </label>
  );
}

/** Says that there is more, instead of pushing away what somebody reads. */
function NewJobs({ count, onShow }: { count: number; onShow: () => void }) {
  return (
    <div role="status">
      {count === 0 ? null : (
        <Button size="compact-md" variant="light" leftSection={<IconArrowUp size={16} />} onClick={onShow}>
          {count > maxNewShown
            ? `More than ${maxNewShown} new jobs`
            : count === 1
              ? "1 new job"
              : `${count} new jobs`}
        </Button>
      )}
    </div>
  );
}

function NoJobs({
  filters,
  cursor,
  onRun,
}: {
  filters: JobFilters;
  cursor: string | undefined;
  onRun: () => void;
}) {
  const isFiltered = cursor !== undefined || Object.values(filters).some((value) => value !== undefined);
  if (isFiltered) {
    return (
      <EmptyState
        icon={<IconFilterOff size={26} />}
        title="No job matches these filters"
        action={
          <ButtonLink to="/monitor/jobs" variant="default">
            Clear filters
          </ButtonLink>
        }
      >
        {filters.search === undefined && filters.worker === undefined
          ? "Jobs that ended well are kept for seven days, others for thirty."
          : "Only the latest 10,000 jobs are looked through."}
      </EmptyState>
    );
  }
  return (
    <EmptyState
      icon={<IconListDetails size={26} />}
      title="No jobs yet"
      action={<Button onClick={onRun}>Run a task</Button>}
    >
      Every document, schedule and call of a task makes one. They appear here as they come.
    </EmptyState>
  );
}
