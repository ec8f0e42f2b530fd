import { MillraceError } from "@millrace/kernel";

export const maxWorkflowJobs = 100_000;
export const maxWorkflowDepth = 20;
/** Of what a group hands on: it is held in memory once, where the last member ends. */
export const maxJoinedBytes = 64 * 1024 * 1024;

export function workflowNotFound(id: string): MillraceError {
  return new MillraceError({
    code: "workflow_not_found",
    kind: "not_found",
    message: "There is no such workflow. It may have been removed after its retention time.",
    details: { id },
  });
}

export function invalidWorkflow(what: string): MillraceError {
  return new MillraceError({ code: "invalid_workflow", kind: "invalid", message: what });
}

export function workflowTooLarge(jobs: number): MillraceError {
  return new MillraceError({
    code: "workflow_too_large",
    kind: "invalid",
    message: `A workflow has at most ${maxWorkflowJobs} jobs; this one would have ${jobs}. Use chunks, or several workflows.`,
    details: { jobs },
  });
}

export function workflowTooDeep(): MillraceError {
  return new MillraceError({
    code: "workflow_too_deep",
    kind: "invalid",
    message: `Chains, groups and chords may stand within each other at most ${maxWorkflowDepth} deep.`,
  });
}

export function workflowFinished(id: string, state: string): MillraceError {
  return new MillraceError({
    code: "already_finished",
    kind: "conflict",
    message: `This workflow has already ended (${state}); there is nothing to cancel.`,
    details: { id, state },
  });
}

export function workflowNotRetryable(id: string, state: string): MillraceError {
  return new MillraceError({
    code: "workflow_not_retryable",
    kind: "conflict",
    message: `Only a workflow that failed or was cancelled, with jobs that can be tried again, can be retried; this one is ${state}.`,
    details: { id, state },
  });
}

export function workflowJobWasSkipped(id: string): MillraceError {
  return new MillraceError({
    code: "workflow_job_was_skipped",
    kind: "conflict",
    message:
      "This job never ran because another one of its workflow did not succeed. Retry that one, or the workflow.",
    details: { id },
  });
}

export function workflowIsStopping(): MillraceError {
  return new MillraceError({
    code: "workflow_is_stopping",
    kind: "conflict",
    message: "Other jobs of this workflow are being stopped. Retry when they have ended.",
  });
}

export function workflowKeyReused(id: string): MillraceError {
  return new MillraceError({
    code: "idempotency_key_reused",
    kind: "conflict",
    message: "This idempotency key was used for another workflow. Use a new key for new work.",
    details: { id },
  });
}

export function workflowNotFinished(id: string): MillraceError {
  return new MillraceError({
    code: "workflow_not_finished",
    kind: "unavailable",
    retryable: true,
    message: "The workflow has not ended yet. It goes on; ask for its result later.",
    details: { id },
  });
}

/** `workflow_failed` or `workflow_cancelled`: what a caller who wanted the result is told. */
export function workflowNotSucceeded(
  id: string,
  state: string,
  error: { readonly code: string; readonly message: string } | null,
): MillraceError {
  return new MillraceError({
    code: `workflow_${state}`,
    kind: "conflict",
    message:
      `The workflow has no result: it ${state === "failed" ? "failed" : "was cancelled"}. ${error?.message ?? ""}`.trim(),
    details: { id, error_code: error?.code ?? null },
  });
}
