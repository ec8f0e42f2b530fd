import type { Workflow, WorkflowDetail } from "@millrace/contracts";
import { Button } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import IconRefresh from "@tabler/icons-react/dist/esm/icons/IconRefresh.mjs";
import { useState } from "react";
import { Moment } from "../formatting/moment.tsx";
import { Duration } from "../jobs/duration.tsx";
import { CodeFact, Fact, Facts } from "../jobs/job-facts.tsx";
import { isEmptyJson } from "../jobs/json-shape.ts";
import { JsonPanel } from "../jobs/json-panel.tsx";
import { JsonTree } from "../jobs/json-tree.tsx";
import { Panel } from "../jobs/panel.tsx";
import { ConfirmDialog } from "../parts/confirm-dialog.tsx";
import { DetailAnswer, DetailPage } from "../parts/detail-page.tsx";
import { ErrorNotice } from "../parts/error-notice.tsx";
import { monitorKey } from "../monitor/parts/monitor-keys.ts";
import { useMonitorInterval } from "../monitor/parts/monitor-updates.ts";
import { useMonitorAction } from "../monitor/parts/use-monitor-action.ts";
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
  return (
    <DetailAnswer thing="workflow" query={query}>
      {(workflow) => (
        <LoadedWorkflow
          key={id}
          workflow={workflow}
          onWantMore={members < mostMembers ? () => setMembers(mostMembers) : undefined}
        />
      )}
    </DetailAnswer>
  );
}

function LoadedWorkflow({
  workflow,
  onWantMore,
}: {
  workflow: WorkflowDetail;
  onWantMore: (() => void) | undefined;
}) {
  return (
    <DetailPage
      thing="workflow"
      title={workflow.name ?? "Workflow"}
      facts={
        <>
          <WorkflowStateBadge state={workflow.display_state} />
          <span>
            <Moment value={workflow.created_at} />
          </span>
          <span>
            <Duration span={{ from: workflow.created_at, to: workflow.finished_at }} />
          </span>
        </>
      }
      actions={<Actions workflow={workflow} />}
      standing={
        <>
          <WorkflowProgress workflow={workflow} />
          {workflow.error === null ? null : <ErrorNotice error={workflow.error} />}
        </>
      }
      aside={<About workflow={workflow} />}
    >
      <Panel title="Tree">
        <WorkflowTree tree={workflow.tree} onWantMore={onWantMore} />
      </Panel>
      {workflow.state === "succeeded" ? (
        <JsonPanel title="Result" value={workflow.output} none="It returned nothing." />
      ) : null}
    </DetailPage>
  );
}

function Actions({ workflow }: { workflow: Workflow }) {
  const [isAsking, setIsAsking] = useState(false);
  const cancel = useWorkflowAction(workflow, "cancel", () => setIsAsking(false));
  const retry = useWorkflowAction(workflow, "retry");
  return (
    <>
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
    </>
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
    <>
      <Panel title="Details">
        <Facts>
          <CodeFact name="Id" code={workflow.id} />
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
    </>
  );
}
