import type { Workflow, WorkflowDetail, WorkflowNode } from "@millrace/contracts";
import type { TreeNode, WorkflowRecord } from "./read-workflows.ts";

/** A workflow as the API shows it. */
export function toWorkflow(record: WorkflowRecord): Workflow {
  const { id, total_jobs: total, ended_jobs: ended, failed_jobs: failed } = record;
  const percent = total === 0 ? (record.state === "succeeded" ? 100 : 0) : Math.floor((ended / total) * 100);
  return {
    id,
    name: record.name,
    state: record.state,
    display_state: record.is_cancelling ? "cancelling" : record.state,
    tags: [...record.tags],
    created_at: record.created_at.toISOString(),
    finished_at: record.finished_at?.toISOString() ?? null,
    progress: { total, ended, failed, percent },
    error: toError(record),
    callback_job_id: record.callback_job_id,
    links: {
      self: `/api/workflows/${id}`,
      cancel: `/api/workflows/${id}/cancel`,
      retry: `/api/workflows/${id}/retry`,
    },
  };
}

export function toWorkflowDetail(record: WorkflowRecord, tree: TreeNode, output: unknown): WorkflowDetail {
  return { ...toWorkflow(record), meta: record.meta, output, tree: toNode(tree) };
}

function toNode(node: TreeNode): WorkflowNode {
  const { number, kind, state, task, job_id, job_state, policy, size, counts } = node;
  return {
    number,
    kind,
    state,
    task,
    job_id,
    job_state,
    policy,
    error: toError(node),
    size,
    counts,
    children: node.children.map(toNode),
  };
}

function toError(row: { readonly error_code: string | null; readonly error_message: string | null }) {
  if (row.error_code === null) return null;
  return { code: row.error_code, message: row.error_message ?? row.error_code };
}
