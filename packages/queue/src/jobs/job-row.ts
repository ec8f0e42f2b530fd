import type { JobState } from "@millrace/contracts";

/** What a claim gives to the worker. */
export type ClaimedJob = {
  readonly id: string;
  readonly queue: string;
  readonly task: string;
  readonly task_version: number;
  readonly owner: string | null;
  readonly stream: string;
  readonly attempt: number;
  readonly max_attempts: number;
  readonly fence: number;
  readonly runs_alone: boolean;
  readonly priority: number;
  readonly limit_key: string | null;
  readonly workflow_id: string | null;
  /** From when it could have run to its claim. */
  readonly wait_ms: number;
  readonly trace_parent: string | null;
  readonly input: unknown;
};

/** The columns that a state change reads under the row's lock. */
export type LockedJob = LockedRow & { readonly input: unknown };

export type LockedRow = {
  readonly id: string;
  readonly queue: string;
  readonly task: string;
  readonly task_version: number;
  readonly owner: string | null;
  readonly stream: string;
  readonly state: JobState;
  readonly attempt: number;
  readonly max_attempts: number;
  readonly retries: number;
  readonly fence: number;
  readonly crash_count: number;
  readonly runs_alone: boolean;
  readonly workflow_id: string | null;
  readonly is_cancel_requested: boolean;
  /** From the claim until now; null when it does not run. */
  readonly run_ms: number | null;
};
