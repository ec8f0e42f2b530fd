import type { Cache } from "@millrace/cache";
import type { QueryAccess } from "@millrace/database";
import type { ConcurrencyLimit, Logger, StopReason } from "@millrace/kernel";
import type { Announcer } from "../brokers/broker.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import type { TaskRegistry } from "../tasks/task-registry.ts";
import type { EventWriter } from "./event-writer.ts";
import type { SuccessRecorder } from "./success-recorder.ts";

/** What running a job takes. */
export type ExecuteParts = {
  readonly database: QueryAccess;
  readonly bus: EventBus;
  readonly broker: Announcer;
  readonly registry: TaskRegistry;
  readonly writer: EventWriter;
  /** Records successes that need nothing else, many at once. Without it each is recorded by itself. */
  readonly successes?: SuccessRecorder;
  /**
   * For the ends that are recorded by themselves. Thousands at once, as when a worker stops, would wait for a connection
   * longer than anybody waits for one, and fail.
   */
  readonly ends: ConcurrencyLimit;
  /** For the handlers. */
  readonly cache: Cache;
  readonly logger: Logger;
  /** Told of each attempt whose write came too late and was refused: a step, a transaction or its end. */
  readonly onStaleWrite: (job: ClaimedJob) => void;
};

/** One attempt under way. */
export type Execution = {
  readonly job: ClaimedJob;
  readonly stop: (reason: StopReason) => void;
};

/** One that can be waited for. */
export type AwaitedExecution = Execution & {
  /** Resolves when the end is recorded, or is no longer ours to record. Never rejects. */
  readonly done: Promise<void>;
};

/** Who is told of attempts: one for all, since there are thousands a second. */
export type ExecutionListener = {
  /** The handler has ended and only its end is to be recorded. */
  readonly ran: (job: ClaimedJob) => void;
  /** The end is recorded, or is no longer ours to record. Never before the execution was returned. */
  readonly done: (execution: Execution) => void;
};
