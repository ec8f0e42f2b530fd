import type { JobSelection, JobState } from "@millrace/contracts";
import type { JobFilter } from "@millrace/queue";

/** What a request says of the jobs it means. */
type JobMarks = Omit<{ [Mark in keyof JobSelection]?: JobSelection[Mark] | undefined }, "state"> & {
  readonly state?: JobState | readonly JobState[] | undefined;
};

/** The same in the queue's own words. */
export function toConditions(marks: JobMarks): Omit<JobFilter, "owners" | "limit"> {
  const { state } = marks;
  return {
    ids: marks.ids?.map((id) => id.toLowerCase()),
    states: typeof state === "string" ? [state] : state,
    queue: marks.queue,
    task: marks.task,
    tag: marks.tag,
    errorCode: marks.error_code,
    errorMessage: marks.error_message,
    createdAfter: marks.created_after,
    createdBefore: marks.created_before,
    finishedAfter: marks.finished_after,
    finishedBefore: marks.finished_before,
  };
}
