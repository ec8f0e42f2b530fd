export type JobState =
  | "blocked"
  | "scheduled"
  | "queued"
  | "running"
  | "waiting"
  | "succeeded"
  | "failed"
  | "cancelled"
  | "expired";

export type EndState = "succeeded" | "failed" | "cancelled" | "expired";

/** Whether a job in this state will never run again by itself. */
export function isEndState(state: JobState): state is EndState {
  return state === "succeeded" || state === "failed" || state === "cancelled" || state === "expired";
}
