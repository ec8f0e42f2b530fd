import type { JobBranch, JobDetail } from "@millrace/contracts";
import { Link } from "@tanstack/react-router";
import { JobStateBadge } from "./job-state-badge.tsx";
import { WorkflowTree } from "../workflows/workflow-tree.tsx";
import classes from "./job-tree-panel.module.css";
import { Panel } from "./panel.tsx";
import { useJobTree } from "./use-job.ts";

/** What a job belongs to: its workflow, or its child jobs; nothing for a job that stands alone. */
export function JobTreePanel({ job }: { job: JobDetail }) {
  const tree = useJobTree(job).data;
  if (tree === undefined) return null;
  if (tree.workflow !== null) {
    return (
      <Panel
        title="Workflow"
        aside={
          <Link to="/monitor/workflows/$id" params={{ id: tree.workflow.id }} className={classes.aside}>
            {tree.workflow.name ?? "Open it"}
          </Link>
        }
      >
        <WorkflowTree tree={tree.workflow.tree} currentJobId={job.id} />
      </Panel>
    );
  }
  if (tree.job === null || tree.job.children.length === 0) return null;
  return (
    <Panel title="Child jobs">
      <Branches branches={tree.job.children} hasMore={tree.job.has_more} />
    </Panel>
  );
}

function Branches({ branches, hasMore }: { branches: readonly JobBranch[]; hasMore: boolean }) {
  return (
    <ul className={classes.branches}>
      {branches.map(({ job, children, has_more: more }) => (
        <li key={job.id}>
          <div className={classes.line}>
            <Link to="/monitor/jobs/$id" params={{ id: job.id }}>
              {job.task}
            </Link>
            <JobStateBadge state={job.display_state} />
          </div>
          {children.length > 0 || more ? <Branches branches={children} hasMore={more} /> : null}
        </li>
      ))}
      {hasMore ? <li className={classes.more}>and more</li> : null}
    </ul>
  );
}
