import type { Workflow } from "@millrace/contracts";
import { NativeSelect } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import IconBinaryTree from "@tabler/icons-react/dist/esm/icons/IconBinaryTree.mjs";
import IconFilterOff from "@tabler/icons-react/dist/esm/icons/IconFilterOff.mjs";
import { ButtonLink } from "../parts/button-link.tsx";
import rowClasses from "../parts/row.module.css";
import { EmptyState } from "../feedback/empty-state.tsx";
import { Moment } from "../formatting/moment.tsx";
import { Duration } from "../jobs/duration.tsx";
import { DataTable } from "../parts/data-table.tsx";
import type { Column } from "../parts/data-table.tsx";
import { monitorKey } from "../monitor/parts/monitor-keys.ts";
import { useMonitorInterval } from "../monitor/parts/monitor-updates.ts";
import { PageHead } from "../parts/page-head.tsx";
import { PagedRows } from "../parts/paged-rows.tsx";
import { WorkflowProgress } from "./workflow-progress.tsx";
import { listWorkflows } from "./workflow-requests.ts";
import { WorkflowStateBadge } from "./workflow-state-badge.tsx";
import { readWorkflowState, workflowStateLabels } from "./workflow-states.ts";
import classes from "./workflows-page.module.css";

const route = getRouteApi("/monitor/workflows");
const pageSize = 25;

const columns: readonly Column<Workflow>[] = [
  { key: "name", header: "Workflow", cell: (workflow) => <Name workflow={workflow} /> },
  {
    key: "state",
    header: "State",
    width: "138px",
    cell: (workflow) => <WorkflowStateBadge state={workflow.display_state} />,
  },
  {
    key: "progress",
    header: "Progress",
    width: "30%",
    cell: (workflow) => <WorkflowProgress workflow={workflow} />,
  },
  {
    key: "took",
    header: "Took",
    kind: "number",
    width: "104px",
    cell: (workflow) => <Duration span={{ from: workflow.created_at, to: workflow.finished_at }} />,
  },
  {
    key: "created",
    header: "Created",
    width: "122px",
    cell: (workflow) => <Moment value={workflow.created_at} />,
  },
];

/** Workflows, newest first, each with how far it is. */
export function WorkflowsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const state = readWorkflowState(search.state);
  return (
    <>
      <PageHead
        title="Workflows"
        actions={
          <NativeSelect
            aria-label="State"
            data={[{ value: "", label: "Any state" }, ...workflowStateLabels]}
            value={state ?? ""}
            onChange={(event) =>
              void navigate({
                search: { state: readWorkflowState(event.currentTarget.value) },
                replace: true,
              })
            }
          />
        }
      />
      {search.cursor === undefined ? null : (
        <p className={classes.back}>
          <Link to="/monitor/workflows" search={{ state }}>
            Back to the newest
          </Link>
        </p>
      )}
      <WorkflowList />
    </>
  );
}

function WorkflowList() {
  const search = route.useSearch();
  const state = readWorkflowState(search.state);
  const list = useInfiniteQuery({
    queryKey: monitorKey("workflows", state ?? null, search.cursor ?? null),
    queryFn: ({ pageParam, signal }) => listWorkflows({ state, cursor: pageParam, limit: pageSize }, signal),
    initialPageParam: search.cursor,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: useMonitorInterval(),
    placeholderData: (before) => before,
  });
  return (
    <PagedRows what="The workflows" list={list} none={<NoWorkflows isFiltered={state !== undefined} />}>
      {(workflows) => (
        <DataTable
          label="Workflows, newest first"
          columns={columns}
          rows={workflows}
          keyOf={(workflow) => workflow.id}
        />
      )}
    </PagedRows>
  );
}

function Name({ workflow }: { workflow: Workflow }) {
  return (
    <>
      <Link to="/monitor/workflows/$id" params={{ id: workflow.id }} className={rowClasses.link}>
        {workflow.name ?? "Without a name"}
      </Link>
      {workflow.error === null ? (
        <p className={`${rowClasses.below} ${rowClasses.oneLine} ${rowClasses.id}`}>{workflow.id}</p>
      ) : (
        <p className={`${rowClasses.below} ${rowClasses.oneLine} ${rowClasses.bad}`}>
          {workflow.error.message}
        </p>
      )}
    </>
  );
}

function NoWorkflows({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) {
    return (
      <EmptyState
        icon={<IconFilterOff size={26} />}
        title="No workflow is in this state"
        action={
          <ButtonLink to="/monitor/workflows" variant="default">
            Show all
          </ButtonLink>
        }
      />
    );
  }
  return (
    <EmptyState icon={<IconBinaryTree size={26} />} title="No workflows yet">
      A workflow is several jobs in an order: chains, groups, chords and maps. It is made by your code or by
      POST /api/workflows, and appears here with its tree.
    </EmptyState>
  );
}
