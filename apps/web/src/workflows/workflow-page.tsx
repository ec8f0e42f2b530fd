import type { Workflow, WorkflowDetail } from "@millrace/contracts";
import { Button, Skeleton } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import IconAlertTriangle from "@tabler/icons-react/dist/esm/icons/IconAlertTriangle.mjs";
import IconArrowLeft from "@tabler/icons-react/dist/esm/icons/IconArrowLeft.mjs";
import IconFileOff from "@tabler/icons-react/dist/esm/icons/IconFileOff.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import IconRefresh from "@tabler/icons-react/dist/esm/icons/IconRefresh.mjs";
import { useState } from "react";
import { isApiProblem } from "../api/problem.ts";
import { ButtonLink } from "../app/button-link.tsx";
import { useAnnouncedPage, usePageTitle } from "../app/page-title.ts";
import { CopyButton } from "../feedback/copy.tsx";
import { EmptyState } from "../feedback/empty-state.tsx";
import { LoadFailure } from "../feedback/load-failure.tsx";
import { Notice } from "../feedback/notice.tsx";
import { Moment } from "../formatting/moment.tsx";
import { Duration } from "../jobs/duration.tsx";
import { Fact, Facts } from "../jobs/job-facts.tsx";
import { isEmptyJson } from "../jobs/json-shape.ts";
import { JsonPanel } from "../jobs/json-panel.tsx";
import { JsonTree } from "../jobs/json-tree.tsx";
import { Panel } from "../jobs/panel.tsx";
import { ConfirmDialog } from "../monitor/parts/confirm-dialog.tsx";
import { monitorKey } from "../monitor/parts/monitor-keys.ts";
import { useMonitorInterval } from "../monitor/parts/monitor-updates.ts";
import { useMonitorAction } from "../monitor/parts/use-monitor-action.ts";
import classes from "./workflow-page.module.css";
import { WorkflowProgress } from "./workflow-progress.tsx";
import { actOnWorkflow, fetchWorkflow } from "./workflow-requests.ts";
import type { WorkflowAction } from "./workflow-requests.ts";
import { WorkflowStateBadge } from "./workflow-state-badge.tsx";
import { WorkflowTree } from "./workflow-tree.tsx";

const route = getRouteApi("/monitor/workflows/$id");

/** Members of each node at first, and when somebody asks for more: the most that the API gives. */
const fewMembers = 100;
const mostMembers = 1000;

export function WorkflowPage() {
  const { id } = route.useParams();
  const [members, setMembers] = useState(fewMembers);
  const interval = useMonitorInterval();
  const query = useQuery({
    queryKey: monitorKey("workflow", id, members),
    queryFn: ({ signal }) => fetchWorkflow(id, members, signal),
    refetchInterval: ({ state }) => ((state.data?.finished_at ?? null) === null ? interval : false),
    placeholderData: keepPreviousData,
  });
  if (isApiProblem(query.error) && (query.error.status === 404 || query.error.status === 422)) {
    return <NoWorkflow />;
  }
  if (query.data !== undefined) {
    return (
      <LoadedWorkflow
        key={id}
        workflow={query.data}
        onWantMore={members < mostMembers ? () => setMembers(mostMembers) : undefined}
      />
    );
  }
  if (query.isError) {
    return (
      <LoadFailure isPage what="This workflow" error={query.error} onRetry={() => void query.refetch()} />
    );
  }
  return (
    <div className={classes.skeleton} role="status" aria-label="Loading the workflow">
      <Skeleton height={34} width="45%" />
      <Skeleton height={220} radius={12} />
    </div>
  );
}

function LoadedWorkflow({
  workflow,
  onWantMore,
}: {
  workflow: WorkflowDetail;
  onWantMore: (() => void) | undefined;
}) {
  const title = workflow.name ?? "Workflow";
  usePageTitle(title);
  useAnnouncedPage(`Workflow ${title}`);
  return (
    <>
      <Link to="/monitor/workflows" className={classes.back}>
        <IconArrowLeft size={16} aria-hidden="true" /> Workflows
      </Link>
      <div className={classes.head}>
        <div className={classes.words}>
          <h1 className={classes.title}>{title}</h1>
          <p className={classes.facts}>
            <WorkflowStateBadge state={workflow.display_state} />
            <span>
              <Moment value={workflow.created_at} />
            </span>
            <span>
              <Duration span={{ from: workflow.created_at, to: workflow.finished_at }} />
            </span>
          </p>
        </div>
        <Actions workflow={workflow} />
      </div>
      <div className={classes.standing}>
        <WorkflowProgress workflow={workflow} />
        {workflow.error === null ? null : (
          <Notice tone="bad" icon={<IconAlertTriangle size={18} />} title="It failed">
            <code className={classes.code}>{workflow.error.code}</code>
            <p>{workflow.error.message}</p>
          </Notice>
        )}
      </div>
      <div className={classes.columns}>
        <div className={classes.main}>
          <Panel title="Tree">
            <WorkflowTree tree={workflow.tree} onWantMore={onWantMore} />
          </Panel>
          {workflow.state === "succeeded" ? (
            <JsonPanel title="Result" value={workflow.output} none="It returned nothing." />
          ) : null}
        </div>
        <About workflow={workflow} />
      </div>
    </>
  );
}

function Actions({ workflow }: { workflow: Workflow }) {
  const [isAsking, setIsAsking] = useState(false);
  const cancel = useWorkflowAction(workflow, "cancel", () => setIsAsking(false));
  const retry = useWorkflowAction(workflow, "retry");
  return (
    <div className={classes.actions}>
      {workflow.display_state === "running" ? (
        <Button
          variant="default"
          leftSection={<IconPlayerStop size={17} />}
          onClick={() => setIsAsking(true)}
        >
          Cancel
        </Button>
      ) : null}
      {workflow.state === "failed" || workflow.state === "cancelled" ? (
        <Button
          leftSection={<IconRefresh size={17} />}
          loading={retry.isPending}
          onClick={() => retry.mutate()}
        >
          Retry what failed
        </Button>
      ) : null}
      <ConfirmDialog
        title="Cancel this workflow?"
        isOpen={isAsking}
        onClose={() => setIsAsking(false)}
        onConfirm={() => cancel.mutate()}
        isPending={cancel.isPending}
        confirmLabel="Cancel the workflow"
        cancelLabel="Let it go on"
      >
        <p>
          Its jobs that run are stopped, and those to come never start. What has succeeded stays: a retry goes
          on from there.
        </p>
      </ConfirmDialog>
    </div>
  );
}

function useWorkflowAction(workflow: Workflow, action: WorkflowAction, onDone?: () => void) {
  return useMonitorAction<void, Workflow>({
    run: () => actOnWorkflow(workflow.id, action),
    // The page shows the new state by itself.
    done: () => undefined,
    refused: action === "cancel" ? "Not cancelled" : "Not retried",
    ...(onDone === undefined ? {} : { onDone }),
  });
}

function About({ workflow }: { workflow: WorkflowDetail }) {
  return (
    <aside className={classes.aside} aria-label="About this workflow">
      <Panel title="Details">
        <Facts>
          <Fact name="Id">
            <span className={classes.copied}>
              <code className={classes.code}>{workflow.id}</code>
              <CopyButton text={workflow.id} label="Copy id" />
            </span>
          </Fact>
          <Fact name="Created">
            <Moment value={workflow.created_at} withAbsolute />
          </Fact>
          {workflow.finished_at === null ? null : (
            <Fact name="Ended">
              <Moment value={workflow.finished_at} withAbsolute />
            </Fact>
          )}
          {workflow.tags.length === 0 ? null : <Fact name="Tags">{workflow.tags.join(", ")}</Fact>}
          {workflow.callback_job_id === null ? null : (
            <Fact name="Callback">
              <Link to="/monitor/jobs/$id" params={{ id: workflow.callback_job_id }}>
                Open its job
              </Link>
            </Fact>
          )}
        </Facts>
      </Panel>
      {isEmptyJson(workflow.meta) ? null : (
        <Panel title="Meta">
          <JsonTree value={workflow.meta} />
        </Panel>
      )}
    </aside>
  );
}

function NoWorkflow() {
  usePageTitle("Not found");
  return (
    <EmptyState
      isPage
      icon={<IconFileOff size={26} />}
      title="This workflow is not here"
      action={<ButtonLink to="/monitor/workflows">See all workflows</ButtonLink>}
    >
      It ended so long ago that it was cleared away, or the link is wrong.
    </EmptyState>
  );
}
