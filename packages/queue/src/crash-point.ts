/**
 * Every commit of the queue by its name. A process may be told, for tests, to die right before or right
 * after one of them: `MILLRACE_CRASH_AT=claim:after`, or `claim:after#3` for the third time it comes
 * there. A commit that is not named here does not compile.
 */
export const commitNames = [
  /** A caller's own transaction, in which it enqueues, cancels or retries. */
  "caller",
  "enqueue",
  "claim",
  "claim_limited",
  "release_parked",
  "succeed",
  "succeed_members",
  "finish_attempt",
  "workflow_start",
  /** By a running job, with its step. */
  "workflow_start_fenced",
  "workflow_cancel",
  "workflow_stop",
  "workflow_retry",
  "step_start",
  "step_record",
  "fenced_write",
  "write_progress",
  "crash_alone",
  "beat",
  "promote",
  "expire",
  "reap",
  "prune",
  "roll_up_counts",
  "count_task_ends",
  "worker_register",
  "worker_beat",
  "worker_unregister",
  "worker_request",
  "pause",
  "resume",
  "queue_limit",
  "task_limits",
  "owner_weight",
  "purge",
  "force_release",
  "fire_schedule",
  "change_schedule",
  "declare_schedules",
  "retry_many",
  "cancel_many",
  "worker_forget",
  "alarm_look",
  "alarm_record",
  "alarm_acknowledge",
  "alarm_tell",
  "alarm_told",
] as const;

export type CommitName = (typeof commitNames)[number];

// oxlint-disable-next-line node/no-process-env -- no setting of the product: for tests that kill it, in every process and thread
const [wanted, nth = "1"] = (process.env["MILLRACE_CRASH_AT"] ?? "").split("#");
let timesLeft = Number(nth);

/** Kills this process, as nothing else can, if it was told to die here. */
export function crashPoint(commit: CommitName, side: "before" | "after"): void {
  if (wanted === "" || wanted !== `${commit}:${side}` || --timesLeft > 0) return;
  process.kill(process.pid, "SIGKILL");
}

/** Makes a write that commits by itself a place to die at. */
export async function commit<Result>(name: CommitName, write: () => Promise<Result>): Promise<Result> {
  crashPoint(name, "before");
  const result = await write();
  crashPoint(name, "after");
  return result;
}
