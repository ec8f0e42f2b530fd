import type { JobSelection } from "@millrace/contracts";
import { Button, Menu } from "@mantine/core";
import IconChevronDown from "@tabler/icons-react/dist/esm/icons/IconChevronDown.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import IconRefresh from "@tabler/icons-react/dist/esm/icons/IconRefresh.mjs";
import { useState } from "react";
import { countOf } from "../formatting/numbers.ts";
import { formatAbsolute } from "../formatting/time.ts";
import type { BulkAction } from "../parts/bulk.ts";
import { BulkDialog } from "../parts/bulk-dialog.tsx";
import { useFindMatching } from "../parts/use-find-matching.ts";
import type { JobFilters } from "./job-requests.ts";
import { selectionOf } from "./job-selection.ts";

type Wanted = {
  readonly action: BulkAction;
  readonly filter: JobSelection;
  /** The filter in words. */
  readonly words: string;
};

/** Retries or cancels all that the filters fit, also what is not loaded: counts them first, then asks. */
export function AllMatching({ filters }: { filters: JobFilters }) {
  const [wanted, setWanted] = useState<Wanted & { readonly count: number }>();
  const [isOpen, setIsOpen] = useState(false);
  const search = useFindMatching<Wanted>((found) => {
    setWanted(found);
    setIsOpen(true);
  });
  const item = (action: BulkAction) => {
    const filter = selectionOf(action, filters);
    return {
      disabled: filter === undefined,
      onClick: () => {
        if (filter !== undefined) search.mutate({ action, filter, words: selectionWords(filter) });
      },
    };
  };
  const isFiltered = Object.values(filters).some((value) => value !== undefined);
  const isOfList = filters.worker !== undefined || filters.search !== undefined;
  return (
    <>
      <Menu>
        <Menu.Target>
          <Button variant="default" rightSection={<IconChevronDown size={16} />} loading={search.isPending}>
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
            {`${countOf(wanted.count, "job")} ${wanted.count === 1 ? "fits" : "fit"} these filters now: ${wanted.words}.`}
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
