import { NativeSelect } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { fetchQueues, fetchTasks } from "../monitor/monitor-requests.ts";
import { jobStateLabels, readJobState } from "./job-states.ts";
import { useMonitorQuery } from "../monitor/parts/use-monitor-query.ts";
import classes from "./job-filter-bar.module.css";
import { MoreJobFilters } from "./more-job-filters.tsx";
import { textOf, TextFilter } from "./text-filter.tsx";

const route = getRouteApi("/monitor/jobs");

const stateChoices = [
  { value: "", label: "Any state" },
  ...Object.entries(jobStateLabels).map(([value, label]) => ({ value, label })),
];

/** The filters, which live in the address: it can be kept, shared and reloaded. */
export function JobFilterBar() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const queues = useMonitorQuery(["queues"], fetchQueues).data?.data;
  const tasks = useMonitorQuery(["tasks"], fetchTasks).data?.data;
  const change = (changes: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...changes, cursor: undefined }), replace: true });
  return (
    <div className={classes.bar} role="search" aria-label="Filter jobs">
      <NativeSelect
        className={classes.choice}
        aria-label="State"
        data={stateChoices}
        value={search.state ?? ""}
        onChange={(event) => change({ state: readJobState(event.currentTarget.value) })}
      />
      <NativeSelect
        className={classes.choice}
        aria-label="Queue"
        data={choices(
          "Any queue",
          queues?.map(({ name }) => name),
          search.queue,
        )}
        value={search.queue ?? ""}
        onChange={(event) => change({ queue: textOf(event.currentTarget.value) })}
      />
      <NativeSelect
        className={classes.choice}
        aria-label="Task"
        data={choices(
          "Any task",
          tasks?.map(({ name }) => name),
          search.task,
        )}
        value={search.task ?? ""}
        onChange={(event) => change({ task: textOf(event.currentTarget.value) })}
      />
      <TextFilter
        className={classes.choice}
        type="search"
        aria-label="Tag"
        placeholder="Tag"
        value={search.tag}
        onChange={(tag) => change({ tag })}
      />
      <TextFilter
        className={classes.choice}
        type="search"
        aria-label="Error code"
        placeholder="Error code"
        value={search.error}
        onChange={(error) => change({ error })}
      />
      <MoreJobFilters filters={search} onChange={change} />
    </div>
  );
}

/** What is filtered by is among the choices, also when nothing of it is there any more. */
function choices(any: string, names: readonly string[] | undefined, current: string | undefined) {
  const all = new Set([...(names ?? []), ...(current === undefined ? [] : [current])]);
  return [
    { value: "", label: any },
    ...[...all]
      .toSorted((first, second) => first.localeCompare(second))
      .map((name) => ({ value: name, label: name })),
  ];
}
