import type { JobState } from "@millrace/contracts";
import type { JobTransition } from "../events/event.ts";

/** What the transitions of a job say of it, whatever else is known of it where they happen. */
export type TellingJob = {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly owner: string | null;
  readonly attempt: number;
};

/** A transition of a job to a state, for `EventBus.publishTransition` after the commit. */
export function transitionOf(
  type: JobTransition["type"],
  { id, task, queue, owner, attempt }: TellingJob,
  state: JobState,
  details: Pick<JobTransition, "waitMs" | "runMs" | "error" | "attempt" | "traceParent"> = {},
): JobTransition {
  return { type, job: { id, task, queue, owner, state, attempt }, ...details };
}
