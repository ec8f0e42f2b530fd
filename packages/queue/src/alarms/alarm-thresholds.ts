import type { QueueThresholds } from "./queue-thresholds.ts";

/** From where on something is an alarm. A figure that only reaches its threshold is none. */
export type AlarmThresholds = {
  /** Due jobs that wait in a queue. */
  readonly queueDepth: QueueThresholds;
  /** For how long the oldest of them has been due. */
  readonly oldestWaitSeconds: QueueThresholds;
  /** Failed jobs that nobody has retried or removed. */
  readonly failedJobs: QueueThresholds;
  /** The share of a queue's jobs, or of a task's, that fail, of those that ended within the window. */
  readonly failureRatePercent: number;
  readonly failureWindowSeconds: number;
  /** With fewer ends within the window there is no share to speak of. */
  readonly failureMinEnds: number;
  /** For how long jobs that killed their workers are told of. */
  readonly crashedHours: number;
  /** How long a due job may wait for a worker that does nothing and could run it. */
  readonly workerIdleSeconds: number;
  readonly workerMemoryBytes: number;
  /** Of a pause that has no end. */
  readonly pausedHours: number;
  readonly oldSnapshotSeconds: number;
};
