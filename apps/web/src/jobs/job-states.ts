import type { Job, JobState } from "@millrace/contracts";

/** The states of a job as a filter offers them, in the order of a job's life. */
export const jobStateLabels: Record<JobState, string> = {
  blocked: "Blocked",
  scheduled: "Scheduled",
  queued: "Queued",
  running: "Running",
  waiting: "Waiting",
  succeeded: "Succeeded",
  failed: "Failed",
  cancelled: "Cancelled",
  expired: "Expired",
};

/** What a page calls a job's state: also the two that are derived and never stored. */
export const displayStateLabels: Record<Job["display_state"], string> = {
  ...jobStateLabels,
  retrying: "Retrying",
  cancelling: "Cancelling",
};

export function readJobState(value: unknown): JobState | undefined {
  return typeof value === "string" && value in jobStateLabels ? (value as JobState) : undefined;
}
