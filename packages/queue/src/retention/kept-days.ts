import type { JobState } from "@millrace/contracts";
import type { Task } from "../tasks/task.ts";

/** How long ended jobs are kept, in days, where their task does not say otherwise. */
export const defaultKeptDays = { succeededDays: 7, otherEndsDays: 30 } as const;

/** For how many days after its end the row of a job is kept, with all that belongs to it. */
export function keptDays(task: Pick<Task, "retention"> | undefined, end: JobState): number {
  const retention = { ...defaultKeptDays, ...task?.retention };
  return end === "succeeded" ? retention.succeededDays : retention.otherEndsDays;
}
