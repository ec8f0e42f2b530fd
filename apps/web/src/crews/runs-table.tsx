import type { CrewRunShape } from "@millrace/contracts";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import rowClasses from "../parts/row.module.css";
import { Moment } from "../formatting/moment.tsx";
import { Duration } from "../jobs/duration.tsx";
import { DataTable } from "../parts/data-table.tsx";
import type { Column } from "../parts/data-table.tsx";
import { JobStateBadge } from "../jobs/job-state-badge.tsx";
import { useMonitorInterval } from "../monitor/parts/monitor-updates.ts";
import { PagedRows } from "../parts/paged-rows.tsx";
import { crewKeys } from "./crew-keys.ts";
import { listCrewRuns } from "./crew-requests.ts";
import { costOfRun, inputWords, tokenWords } from "./run-words.ts";

const pageSize = 20;

const state: Column<CrewRunShape> = {
  key: "state",
  header: "State",
  width: "132px",
  cell: (run) => <JobStateBadge state={run.display_state} />,
};
const tasks: Column<CrewRunShape> = {
  key: "tasks",
  header: "Tasks",
  kind: "number",
  width: "84px",
  cell: (run) => `${run.tasks_done} of ${run.tasks_total}`,
};
const tokens: Column<CrewRunShape> = {
  key: "tokens",
  header: "Tokens",
  kind: "number",
  width: "100px",
  cell: (run) => tokenWords(run.usage.total_tokens),
};
const cost: Column<CrewRunShape> = {
  key: "cost",
  header: "Cost",
  kind: "number",
  width: "96px",
  cell: (run) => costOfRun(run.usage),
};
const took: Column<CrewRunShape> = {
  key: "took",
  header: "Took",
  kind: "number",
  width: "112px",
  cell: (run) => <Duration span={{ from: run.created_at, to: run.finished_at }} />,
};
const created: Column<CrewRunShape> = {
  key: "created",
  header: "Created",
  width: "116px",
  cell: (run) => <Moment value={run.created_at} />,
};

const columnsOfAll: readonly Column<CrewRunShape>[] = [
  {
    key: "run",
    header: "Run",
    cell: (run) => <Name run={run} title={run.crew} below={inputWords(run.inputs)} />,
  },
  state,
  tasks,
  tokens,
  cost,
  took,
  created,
];

/** Beside what else is told of a crew there is less room. */
const columnsOfOne: readonly Column<CrewRunShape>[] = [
  {
    key: "run",
    header: "Run",
    cell: (run) => (
      <Name run={run} title={inputWords(run.inputs)} below={<Moment value={run.created_at} />} />
    ),
  },
  state,
  tasks,
  cost,
  took,
];

/** Runs, newest first: those of one crew, or of all. */
export function RunsTable({ crew, none }: { crew?: string; none: ReactNode }) {
  const list = useInfiniteQuery({
    queryKey: crewKeys.runs(crew),
    queryFn: ({ pageParam, signal }) => listCrewRuns({ crew, cursor: pageParam, limit: pageSize }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: useMonitorInterval(),
  });
  return (
    <PagedRows what="The runs" list={list} none={none}>
      {(runs) => (
        <DataTable
          label="Runs, newest first"
          columns={crew === undefined ? columnsOfAll : columnsOfOne}
          rows={runs}
          keyOf={(run) => run.id}
        />
      )}
    </PagedRows>
  );
}

function Name({ run, title, below }: { run: CrewRunShape; title: string; below: ReactNode }) {
  return (
    <>
      <Link to="/crews/runs/$id" params={{ id: run.id }} className={rowClasses.link}>
        {title}
      </Link>
      <p className={`${rowClasses.below} ${rowClasses.oneLine}`}>{below}</p>
      {run.error === null || run.finished_at === null ? null : (
        <p className={`${rowClasses.below} ${rowClasses.oneLine} ${rowClasses.bad}`}>{run.error.message}</p>
      )}
    </>
  );
}
