import type { Page, Workflow, WorkflowDetail, WorkflowState } from "@millrace/contracts";
import { callApi } from "../api/client.ts";

const workflowPath = (id: string) => `/workflows/${encodeURIComponent(id)}`;

export function listWorkflows(
  options: {
    readonly state?: WorkflowState | undefined;
    readonly limit: number;
    readonly cursor?: string | undefined;
  },
  signal?: AbortSignal,
): Promise<Page<Workflow>> {
  return callApi("/workflows", { query: options, signal });
}

/** `members`: of each node at most so many. */
export function fetchWorkflow(id: string, members: number, signal?: AbortSignal): Promise<WorkflowDetail> {
  return callApi(workflowPath(id), { query: { members }, signal });
}

export type WorkflowAction = "cancel" | "retry";

export function actOnWorkflow(id: string, action: WorkflowAction): Promise<Workflow> {
  return callApi(`${workflowPath(id)}/${action}`, { method: "POST" });
}
