import type { WorkflowNode } from "@millrace/contracts";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { formatCount } from "../formatting/numbers.ts";
import { JobStateBadge } from "../jobs/job-state-badge.tsx";
import {
  childrenOf,
  containsJob,
  countsText,
  hiddenMembers,
  isOpenAtFirst,
  nodeTitle,
  policyText,
} from "./tree-words.ts";
import { WorkflowStateBadge } from "./workflow-state-badge.tsx";
import classes from "./workflow-tree.module.css";

/**
 * What runs in what order, nested as it was written. Large groups stand folded and show their counts
 * by state; the way to one job is unfolded.
 */
export function WorkflowTree({
  tree,
  currentJobId,
  onWantMore,
}: {
  tree: WorkflowNode;
  /** The job one looks at. Default: none. */
  currentJobId?: string;
  /** Asks for more members of each node. Default: there are no more to be had. */
  onWantMore?: (() => void) | undefined;
}) {
  return (
    <ul className={classes.tree} aria-label="Jobs of the workflow">
      <Node node={tree} role={undefined} currentJobId={currentJobId} onWantMore={onWantMore} />
    </ul>
  );
}

type NodeProps = {
  readonly node: WorkflowNode;
  readonly role: string | undefined;
  readonly currentJobId: string | undefined;
  readonly onWantMore: (() => void) | undefined;
};

function Node(props: NodeProps) {
  return (
    <li className={classes.node}>
      {props.node.kind === "job" ? <Leaf {...props} /> : <Branch {...props} />}
    </li>
  );
}

function Leaf({ node, role, currentJobId }: NodeProps) {
  const title = nodeTitle(node);
  return (
    <div
      className={classes.leaf}
      data-current={(node.job_id !== null && node.job_id === currentJobId) || undefined}
    >
      <div className={classes.line}>
        <Role role={role} />
        {node.job_id === null ? (
          <span className={classes.name}>{title}</span>
        ) : (
          <Link
            to="/monitor/jobs/$id"
            params={{ id: node.job_id }}
            className={classes.name}
            {...(node.job_id === currentJobId ? { "aria-current": "true" as const } : {})}
          >
            {title}
          </Link>
        )}
        {node.job_state === null || node.state === "skipped" ? (
          <WorkflowStateBadge state={node.state} />
        ) : (
          <JobStateBadge state={node.job_state} />
        )}
      </div>
      {node.error === null ? null : <p className={classes.error}>{node.error.message}</p>}
    </div>
  );
}

function Branch(props: NodeProps) {
  const { node, role, currentJobId, onWantMore } = props;
  const [isOpen, setIsOpen] = useState(
    () => isOpenAtFirst(node) || (currentJobId !== undefined && containsJob(node, currentJobId)),
  );
  const hidden = hiddenMembers(node);
  return (
    <details open={isOpen} onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary className={classes.summary}>
        <span className={classes.line}>
          <Role role={role} />
          <span className={classes.name}>{nodeTitle(node)}</span>
          <WorkflowStateBadge state={node.state} />
          <BranchWords node={node} />
        </span>
      </summary>
      {isOpen ? (
        <ul className={classes.members}>
          {childrenOf(node).map((child) => (
            <Node {...props} key={child.node.number} node={child.node} role={child.role} />
          ))}
          {hidden === 0 ? null : (
            <li className={classes.hidden}>
              and {formatCount(hidden)} more
              {onWantMore === undefined ? null : (
                <button type="button" className={classes.more} onClick={onWantMore}>
                  Show more
                </button>
              )}
            </li>
          )}
        </ul>
      ) : null}
    </details>
  );
}

function BranchWords({ node }: { node: WorkflowNode }) {
  const counts = node.kind === "chord" ? "" : countsText(node.counts);
  const policy = policyText(node);
  return (
    <>
      {counts === "" ? null : <span className={classes.counts}>{counts}</span>}
      {policy === undefined ? null : <span className={classes.policy}>{policy}</span>}
    </>
  );
}

function Role({ role }: { role: string | undefined }) {
  return role === undefined ? null : <span className={classes.role}>{role}</span>;
}
