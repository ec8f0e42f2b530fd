import type { QueryAccess } from "@millrace/database";
import type { Logger, StopReason } from "@millrace/kernel";
import type { Broker } from "../brokers/broker.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { ClaimedJob } from "../jobs/job-row.ts";
import type { TaskRegistry } from "../tasks/task-registry.ts";
import type { EventWriter } from "./event-writer.ts";

/** What running a job takes. */
export type ExecuteParts = {
  readonly database: QueryAccess;
  readonly bus: EventBus;
  readonly broker: Broker;
  readonly registry: TaskRegistry;
  readonly writer: EventWriter;
  readonly logger: Logger;
  /** Counts ends that came too late and were refused. */
  readonly onStaleWrite: () => void;
};

/** One attempt under way. */
export type Execution = {
  readonly job: ClaimedJob;
  readonly stop: (reason: StopReason) => void;
  /** Resolves when the end is recorded, or is no longer ours to record. Never rejects. */
  readonly done: Promise<void>;
};
