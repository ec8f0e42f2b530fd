import type { FailureGroup, FailureList, JobSelection } from "@millrace/contracts";
import { Button } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import IconCircleCheck from "@tabler/icons-react/dist/esm/icons/IconCircleCheck.mjs";
import IconRotateClockwise from "@tabler/icons-react/dist/esm/icons/IconRotateClockwise.mjs";
import { useState } from "react";
import { EmptyState } from "../../feedback/empty-state.tsx";
import { countOf, formatCount } from "../../formatting/numbers.ts";
import { fetchFailures } from "../monitor-requests.ts";
import { BulkDialog } from "../../parts/bulk-dialog.tsx";
import { PageHead } from "../../parts/page-head.tsx";
import { Answered } from "../../parts/states.tsx";
import { useFindMatching } from "../../parts/use-find-matching.ts";
import { useMonitorQuery } from "../parts/use-monitor-query.ts";
import { FailureCard } from "./failure-card.tsx";
import classes from "./failures-page.module.css";

const route = getRouteApi("/monitor/failures");

/** What is about to be retried. It stays as it was agreed to, while the list moves on. */
type Retry = {
  readonly action: "retry";
  readonly filter: JobSelection;
  /** Undefined for all there are. */
  readonly group?: FailureGroup;
};

/** Failed jobs that failed alike, the most frequent first, to be retried together. */
export function FailuresPage() {
  const { queue, task } = route.useSearch();
  const query = useMonitorQuery(
    ["failures", queue ?? null, task ?? null, 50],
    (signal) => fetchFailures({ queue, task, limit: 50 }, signal),
    { isCostly: true },
  );
  const [retry, setRetry] = useState<Retry & { readonly count: number }>();
  const [isOpen, setIsOpen] = useState(false);
  // The list may be minutes old, and tells of the latest only.
  const search = useFindMatching<Retry>((found) => {
    setRetry(found);
    setIsOpen(true);
  });
  const isSearched = (group: FailureGroup | undefined) =>
    search.isPending && search.variables.group === group;
  const total = totalOf(query.data);
  return (
    <>
      <PageHead
        title="Failures"
        note={query.data === undefined ? undefined : noteOf(query.data)}
        actions={
          total === 0 ? undefined : (
            <Button
              leftSection={<IconRotateClockwise size={16} />}
              loading={isSearched(undefined)}
              onClick={() => search.mutate({ action: "retry", filter: { state: "failed", queue, task } })}
            >
              {query.data?.is_partial === true ? "Retry all…" : `Retry all ${formatCount(total)}…`}
            </Button>
          )
        }
      />
      {queue === undefined && task === undefined ? null : (
        <p className={classes.filter}>
          Only {task === undefined ? "" : `task ${task}`}
          {queue === undefined ? "" : ` queue ${queue}`}. <Link to="/monitor/failures">Show all</Link>
        </p>
      )}
      <Answered what="The failures" query={query}>
        {({ data }) =>
          data.length === 0 ? (
            <EmptyState icon={<IconCircleCheck size={26} />} title="Nothing has failed">
              Jobs that end with an error are gathered here, by what they have in common.
            </EmptyState>
          ) : (
            <ul className={classes.list} aria-label="Failures, the most frequent first">
              {data.map((group) => (
                <FailureCard
                  key={keyOf(group)}
                  group={group}
                  isPending={isSearched(group)}
                  onRetry={() => search.mutate(retryOf(group, queue))}
                />
              ))}
            </ul>
          )
        }
      </Answered>
      {retry === undefined ? null : (
        <BulkDialog
          action={retry.action}
          filter={retry.filter}
          count={retry.count}
          title={`Retry ${countOf(retry.count, "failed job")}?`}
          isOpen={isOpen}
          onClose={() => setIsOpen(false)}
        >
          <p>
            {whatOf(retry)} run{retry.count === 1 ? "s" : ""} again with the same input. Each keeps its
            history.
          </p>
        </BulkDialog>
      )}
    </>
  );
}

function keyOf({ task, error_code: code, error_message: message }: FailureGroup): string {
  return `${task} ${code} ${message}`;
}

function retryOf(group: FailureGroup, queue: string | undefined): Retry {
  const { task, error_code, error_message } = group;
  return { action: "retry", filter: { state: "failed", task, error_code, error_message, queue }, group };
}

function whatOf({ count, group }: Retry & { readonly count: number }): string {
  const jobs = countOf(count, "job");
  return group === undefined
    ? `${jobs} that failed here`
    : `${jobs} of ${group.task} that failed with “${group.sample_message}”`;
}

function totalOf(list: FailureList | undefined): number {
  return list?.data.reduce((sum, { count }) => sum + count, 0) ?? 0;
}

function noteOf(list: FailureList): string | undefined {
  if (list.data.length === 0) return undefined;
  const groups = `${countOf(totalOf(list), "failed job")} in ${countOf(list.data.length, "group")}`;
  return list.is_partial ? `${groups}, of the latest ${formatCount(list.examined)}: there are more` : groups;
}
