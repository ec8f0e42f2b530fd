import type { WorkflowState } from "@millrace/contracts";

const labels: Record<WorkflowState, string> = {
  running: "Running",
  succeeded: "Succeeded",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** The states as a filter offers them. */
export const workflowStateLabels = Object.entries(labels).map(([value, label]) => ({ value, label }));

export function readWorkflowState(value: unknown): WorkflowState | undefined {
  return typeof value === "string" && value in labels ? (value as WorkflowState) : undefined;
}
