import type { AlarmKind, AlarmSeverity } from "@millrace/contracts";

/** Something that a look has found wrong. */
export type AlarmCondition = {
  readonly kind: AlarmKind;
  readonly subject: string;
  /** For people, with the figures. */
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
};

/** Critical is what keeps work from being done at all, or has lost it. */
export const alarmSeverities: Readonly<Record<AlarmKind, AlarmSeverity>> = {
  queue_without_worker: "critical",
  worker_idle: "critical",
  queue_depth: "warning",
  oldest_wait: "warning",
  queue_paused: "warning",
  failure_rate: "warning",
  task_failure_rate: "warning",
  failed_jobs: "warning",
  job_crashed_worker: "critical",
  unknown_task: "warning",
  worker_memory: "warning",
  database_slow: "warning",
  old_snapshot: "warning",
  clock_jump: "warning",
  budget_near: "warning",
  budget_exceeded: "critical",
  webhook_gone: "warning",
};

/** What only the process itself can measure: each of them has its own, with itself as the subject. */
export const ownAlarmKinds = ["database_slow", "clock_jump"] as const satisfies readonly AlarmKind[];

/** Raised by the first look that finds them: these have happened, and can't turn out to be nothing. */
export const happenedKinds = ["job_crashed_worker", "clock_jump"] as const satisfies readonly AlarmKind[];
