import { MillraceError } from "@millrace/kernel";

export function jobNotFound(id: string): MillraceError {
  return new MillraceError({
    code: "job_not_found",
    kind: "not_found",
    message: "There is no such job. It may have been removed after its retention time.",
    details: { id },
  });
}

export function alreadyFinished(id: string, state: string): MillraceError {
  return new MillraceError({
    code: "already_finished",
    kind: "conflict",
    message: `This job has already ended (${state}); there is nothing to cancel.`,
    details: { id, state },
  });
}

export function notRetryable(id: string, state: string): MillraceError {
  return new MillraceError({
    code: "job_not_ended",
    kind: "conflict",
    message: `Only a failed, cancelled or expired job can be retried; this one is ${state}.`,
    details: { id, state },
  });
}

export function invalidInput(task: string, cause: unknown): MillraceError {
  return new MillraceError({
    code: "invalid_job_input",
    kind: "invalid",
    message: `The input does not fit the schema of task ${task}.`,
    cause,
  });
}

/** The attempt no longer holds the job: another claim, a reap or a cancel came between. */
export function leaseLost(id: string): MillraceError {
  return new MillraceError({
    code: "lease_lost",
    kind: "conflict",
    message: "This attempt no longer holds its job; its write was refused.",
    details: { id },
  });
}

export const jobCrashedWorker = {
  code: "job_crashed_worker",
  message: "The worker died three times while it ran this job alone. Look at its log before you retry it.",
} as const;

export const jobTimedOut = {
  code: "job_timed_out",
  message: "The job took longer than its time limit.",
} as const;

export function timedOut(): MillraceError {
  return new MillraceError({ ...jobTimedOut, kind: "unavailable", retryable: true });
}
