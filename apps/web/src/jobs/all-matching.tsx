import type { JobSelection } from "@millrace/contracts";
import { Button, Menu } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import IconChevronDown from "@tabler/icons-react/dist/esm/icons/IconChevronDown.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import IconRefresh from "@tabler/icons-react/dist/esm/icons/IconRefresh.mjs";
import { useState } from "react";
import { showDone, showProblem } from "../feedback/toasts.ts";
import { countOf } from "../formatting/numbers.ts";
import { formatAbsolute } from "../formatting/time.ts";
import { countMatching } from "../parts/bulk.ts";
import type { BulkAction } from "../parts/bulk.ts";
import { BulkDialog } from "../parts/bulk-dialog.tsx";
import type { JobFilters } from "./job-requests.ts";
import { selectionOf } from "./job-selection.ts";

type Wanted = { readonly action: BulkAction; readonly filter: JobSelection; readonly count: number };

/** Retries or cancels all that the filters fit, also what is not loaded: counts them first, then asks. */
export function AllMatching({ filters }: { filters: JobFilters }) {
  const [wanted, setWanted] = useState<Wanted | undefined>();
  const [isOpen, setIsOpen] = useState(false);
  const count = useMutation({
    mutationFn: async ({ action, filter }: { action: BulkAction; filter: JobSelection }) => ({
      action,
      filter,
      count: await countMatching(action, filter),
    }),
    onSuccess: (found) => {
      if (found.count === 0) {
        showDone(found.action === "retry" ? "There is nothing to retry" : "There is nothing to cancel");
        return;
      }
      setWanted(found);
      setIsOpen(true);
    },
    onError: (error) => showProblem("Not counted", error),
  });
  const item = (action: BulkAction) => {
    const filter = selectionOf(action, filters);
    return {
      disabled: filter === undefined,
      onClick: () => {
        if (filter !== undefined) count.mutate({ action, filter });
      },
    };
  };
  const isFiltered = Object.values(filters).some((value) => value !== undefined);
  const isOfList = filters.worker !== undefined || filters.search !== undefined;
  return (
    <>
      <Menu>
        <Menu.Target>
          <Button variant="default" rightSection={<IconChevronDown size={16} />} loading={count.isPending}>
            All that match
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconRefresh size={16} />} {...item("retry")}>
            {isFiltered ? "Retry all that match…" : "Retry all that failed…"}
          </Menu.Item>
          <Menu.Item leftSection={<IconPlayerStop size={16} />} {...item("cancel")}>
            {isFiltered ? "Cancel all that match…" : "Cancel: choose a filter first"}
          </Menu.Item>
          {isOfList ? <Menu.Label>Not by text or worker: choose jobs in the list.</Menu.Label> : null}
        </Menu.Dropdown>
      </Menu>
      {wanted === undefined ? null : (
        <BulkDialog
          action={wanted.action}
          filter={wanted.filter}
          count={wanted.count}
          title={wanted.action === "retry" ? "Retry all that match?" : "Cancel all that match?"}
          isOpen={isOpen}
          onClose={() => setIsOpen(false)}
        >
          <p>
            {`${countOf(wanted.count, "job")} ${wanted.count === 1 ? "fits" : "fit"} these filters now: ${selectionWords(wanted.filter)}.`}
          </p>
          <p>
            {wanted.action === "retry"
              ? "They go back in line with the input they had, a hundred at a time. Their history stays."
              : "They are stopped a hundred at a time. Those that run get told, and end as soon as they listen."}
          </p>
        </BulkDialog>
      )}
    </>
  );
}

function selectionWords(filter: JobSelection): string {
  const words = [
    typeof filter.state === "string" ? `state ${filter.state}` : undefined,
    filter.queue === undefined ? undefined : `queue ${filter.queue}`,
    filter.task === undefined ? undefined : `task ${filter.task}`,
    filter.tag === undefined ? undefined : `tag ${filter.tag}`,
    filter.error_code === undefined ? undefined : `error ${filter.error_code}`,
    timeWords("created", filter.created_after, filter.created_before),
    timeWords("ended", filter.finished_after, filter.finished_before),
  ];
  return words.filter((word) => word !== undefined).join(", ");
}

function timeWords(what: string, from: string | undefined, until: string | undefined): string | undefined {
  const words = [
    ...(from === undefined ? [] : [`from ${formatAbsolute(from)}`]),
    ...(until === undefined ? [] : [`until ${formatAbsolute(until)}`]),
  ];
  return words.length === 0 ? undefined : `${what} ${words.join(" ")}`;
}
